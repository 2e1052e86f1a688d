// What other features may use of agents.
export { agentsFeature } from './feature.ts'
export type { RepositoryAccess } from './run-jobs.ts'
