// What other features may use of proposals.
export { proposalsFeature } from './feature.ts'
