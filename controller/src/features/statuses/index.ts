// What other features may use of statuses.
export { statusesFeature } from './feature.ts'
export type { StatusNews } from './statuses.ts'
