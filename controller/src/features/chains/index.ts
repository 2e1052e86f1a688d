// What other features may use of chains.
export { chainsFeature } from './feature.ts'
