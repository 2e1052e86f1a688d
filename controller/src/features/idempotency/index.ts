// What others may use of idempotency.
export { IdempotencyKeyEntity } from './idempotency-key.entity.ts'
export { createReplies } from './replies.ts'
