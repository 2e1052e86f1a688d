// Groups of runs: who has their turn, and who waits.
export { locksFeature } from './feature.ts'
