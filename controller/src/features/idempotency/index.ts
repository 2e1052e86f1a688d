// What others may use of idempotency.
export { idempotencyFeature } from './feature.ts'
