// What other features may use of environments.

export type { EnvironmentDeletion } from './environments.api.ts'
export {
  environmentOfProject,
  environmentsOf,
  knownEnvironments,
  ruledEnvironments,
} from './environments.ts'
export { environmentsFeature } from './feature.ts'
