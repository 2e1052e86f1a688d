// The same call with the same key happens once: its answer is kept and given again.
import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { AppError, precondition } from '@ansflow/proto/errors'
import { create, type DescMessage, fromBinary, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf'
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import type { Replies } from '../../transport/call.ts'
import { IdempotencyKeyEntity } from './idempotency-key.entity.ts'

const keptMs = 7 * 24 * 3_600_000
/** A call that has not ended by now went down with its controller. */
const longestCallMs = 15_000
/** How long the second of two calls waits for the first one's answer, and how often it looks. */
const waitMs = 5000
const lookEveryMs = 50

export interface KeptReplies extends Replies {
  forgetOld(): Promise<void>
  /** At the start: an SQLite file has one controller, so what is still open there went down with the one before. */
  forgetInterrupted(): Promise<void>
}

export function createReplies({ db, clock }: { db: Db; clock: Clock }): KeptReplies {
  /** False: another call with this key has begun before. */
  async function begin(id: string, requestHash: string): Promise<boolean> {
    try {
      await db.em().insert(IdempotencyKeyEntity, { id, requestHash, answer: null, createdAt: clock.now() })
      return true
    } catch (error) {
      if (error instanceof UniqueConstraintViolationException) return false
      throw error
    }
  }

  /** The answer of the call that has this key; null when this one has to make it. */
  async function answerOf(id: string, requestHash: string): Promise<Uint8Array | null> {
    for (let waited = 0; ; waited += lookEveryMs) {
      if (await begin(id, requestHash)) return null
      const row = await db.em().findOne(IdempotencyKeyEntity, { id })
      if (!row) continue
      const age = clock.now().getTime() - row.createdAt.getTime()
      if (age > keptMs || (!row.answer && age > longestCallMs)) {
        await db.em().nativeDelete(IdempotencyKeyEntity, { id, createdAt: row.createdAt })
        continue
      }
      if (row.requestHash !== requestHash) {
        throw precondition(
          'idempotency_key_reused',
          'This idempotency key was used for another request. Take a new key for every new request.',
        )
      }
      if (row.answer) return row.answer
      if (waited >= waitMs) {
        throw new AppError('aborted', 'The same call is still going on. Try again in a moment.', {
          reason: 'call_going_on',
        })
      }
      await delay(lookEveryMs)
    }
  }

  return {
    async once({ method, personId, key, request }, work) {
      const id = hash([personId, method.parent.typeName, method.name, key])
      const requestHash = hash(sorted(toJson(method.input as DescMessage, request)))
      const known = await answerOf(id, requestHash)
      if (known) return fromBinary(method.output as DescMessage, known) as unknown as Record<string, unknown>
      let reply: Record<string, unknown>
      try {
        reply = await work()
      } catch (error) {
        // Nothing happened: the key is free again.
        await db.em().nativeDelete(IdempotencyKeyEntity, { id })
        throw error
      }
      const message = create(method.output as DescMessage, reply)
      const answer = Buffer.from(toBinary(method.output as DescMessage, message))
      await db.em().nativeUpdate(IdempotencyKeyEntity, { id }, { answer })
      return message as unknown as Record<string, unknown>
    },

    async forgetOld() {
      const before = new Date(clock.now().getTime() - keptMs)
      await db.em().nativeDelete(IdempotencyKeyEntity, { createdAt: { $lt: before } })
    },

    async forgetInterrupted() {
      if (db.dialect === 'sqlite') await db.em().nativeDelete(IdempotencyKeyEntity, { answer: null })
    },
  }
}

function hash(value: JsonValue): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex')
}

/** The same request may come with its fields in another order. */
function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const names = Object.keys(value).sort()
  return names.map((name) => [name, sorted(value[name] ?? null)])
}
