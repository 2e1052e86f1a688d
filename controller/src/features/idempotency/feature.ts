// Answers of calls with an idempotency key.
import { feature } from '../../feature.ts'
import { IdempotencyKeyEntity } from './idempotency-key.entity.ts'
import { createReplies } from './replies.ts'

export const idempotencyFeature = feature({
  name: 'idempotency',
  entities: [IdempotencyKeyEntity],
  async open({ db, clock }) {
    const replies = createReplies({ db, clock })
    await replies.freeInterrupted()
    return {
      loops: [{ name: 'idempotency keys', everyMs: 3_600_000, run: replies.forgetOld }],
      gives: replies,
    }
  },
})
