// What other features may use of forges.
export type { ConnectionRow } from './connection.entity.ts'
export type { ConnectedRepositories } from './connections.api.ts'
export { type Connections, type OpenConnection, refusedBy } from './connections.ts'
export { forgesFeature } from './feature.ts'
export {
  type CommitStatus,
  type Forge,
  type ForgeClient,
  type ForgeDeployment,
  ForgeError,
  type GitCredentials,
  type StatusAnnotation,
} from './forge.ts'
export type { ForgeEvent, PullRequestFacts } from './forge-event.ts'
export { forgeTasks } from './forge-task-file.ts'
export { forgeOf } from './kinds.ts'
