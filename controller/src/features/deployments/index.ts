// What other features may use of deployments.
export { deploymentsFeature } from './feature.ts'
