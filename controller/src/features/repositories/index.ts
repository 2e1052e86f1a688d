// What other features may use of repositories.
export { type DeliveryCounts, type KeptDeliveries, repositoriesFeature } from './feature.ts'
export { hookSecret } from './hook.ts'
export { isOlder, type PullRequests, type Trust, waitsForTrust } from './pull-requests.ts'
export { readable } from './readable.ts'
export type { Repositories } from './repositories.ts'
export type { RepositoryRow } from './repository.entity.ts'
export type { RunSources } from './run-sources.ts'
