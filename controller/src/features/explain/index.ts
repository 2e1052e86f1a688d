// What other features may use of explaining.
export { explainFeature } from './feature.ts'
