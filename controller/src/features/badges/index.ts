// What other features may use of badges.
export { badgesFeature } from './feature.ts'
