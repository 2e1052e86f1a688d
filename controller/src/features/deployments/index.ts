// What other features may use of deployments.
export type { DeploymentNews } from './deployment-participant.ts'
export { deploymentsFeature } from './feature.ts'
