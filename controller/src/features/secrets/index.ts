// What other features may use of secrets.
export { secretsFeature } from './feature.ts'
export { openKeyRing } from './key-ring.ts'
export type { SealedValues } from './sealed-values.ts'
export type { Secrets } from './secrets.ts'
