// What others may use of deliveries.
export { deliveriesFeature } from './feature.ts'
export type { FileAtCommit } from './file-at-commit.ts'
