// A call that must not happen twice: who asked what under which key, and what was answered.
import { defineEntity, p } from '@mikro-orm/core'

export const IdempotencyKeyEntity = defineEntity({
  name: 'IdempotencyKey',
  tableName: 'idempotency_key',
  properties: {
    /** Hash of person, method and key. */
    id: p.string().length(64).primary(),
    requestHash: p.string().length(64),
    /** The controller that makes the call. */
    holder: p.string().length(36).default(''),
    /** Of what the call makes, if it makes it with an id given beforehand. */
    makes: p.string().length(36).default(''),
    /** Written together with what the call changed: without an answer it says that the answer was lost, not the work. */
    done: p.boolean().default(false),
    /** Null while the call goes on. */
    answer: p.blob().length(16_777_215).nullable(),
    createdAt: p.datetime(3).index(),
  },
})
