// What other features may use of repositories.
export { type KeptDeliveries, repositoriesFeature } from './feature.ts'
export { hookSecret } from './hook.ts'
export { type PullRequests, waitsForTrust } from './pull-requests.ts'
export type { Repositories } from './repositories.ts'
export type { RepositoryRow } from './repository.entity.ts'
