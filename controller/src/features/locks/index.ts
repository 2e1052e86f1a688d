// Groups of runs: who has their turn, and who waits.
export { aheadNow } from './ahead-now.ts'
export { locksFeature } from './feature.ts'
