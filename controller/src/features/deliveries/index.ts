// What others may use of deliveries.
export { deliveriesFeature } from './feature.ts'
