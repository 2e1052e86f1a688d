// What other parts may use of the controller's own work.
export { workFeature } from './feature.ts'
