// The same call with the same key happens once: its answer is kept and given again.
import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { AppError, precondition } from '@ansflow/proto/errors'
import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type JsonValue,
  toBinary,
  toJson,
} from '@bufbuild/protobuf'
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { Replies } from '../../transport/call.ts'
import { IdempotencyKeyEntity } from './idempotency-key.entity.ts'

const keptMs = 7 * 24 * 3_600_000
/** A call that has not ended by now went down with its controller. */
const longestCallMs = 15_000
/** How long the second of two calls waits for the first one's answer, and how often it looks. */
const waitMs = 5000
const lookEveryMs = 50
/** Answers kept in memory for a store that takes none for a while. */
const mostUnstored = 1000

export interface KeptReplies extends Replies {
  forgetOld(): Promise<void>
  /** At the start: an SQLite file has one controller, so what is still open there went down with the one before, and may be made again at once. */
  freeInterrupted(): Promise<void>
}

export function createReplies({ db, clock }: { db: Db; clock: Clock }): KeptReplies {
  const holder = uuidv7()
  /** Calls of this controller, by the row's id. */
  const going = new Map<string, Promise<unknown>>()
  /** Answers that could not be stored. */
  const unstored = new Map<string, Uint8Array>()

  /** False: another call with this key has begun before. */
  async function begin(id: string, requestHash: string, makes: string): Promise<boolean> {
    try {
      const row = { id, requestHash, holder, makes, done: false, answer: null, createdAt: clock.now() }
      await db.em().insert(IdempotencyKeyEntity, row)
      return true
    } catch (error) {
      if (error instanceof UniqueConstraintViolationException) return false
      throw error
    }
  }

  /** The answer of the call that has this key, or, when this one has to make it, the id for what it makes. */
  async function answerOf(id: string, requestHash: string): Promise<{ answer: Uint8Array } | { makes: string }> {
    const own = uuidv7()
    for (let waited = 0; ; waited += lookEveryMs) {
      if (await begin(id, requestHash, own)) return { makes: own }
      const row = await db.em().findOne(IdempotencyKeyEntity, { id })
      if (!row) continue
      const { answer, createdAt, done, makes } = row
      const age = clock.now().getTime() - createdAt.getTime()
      if (age > keptMs) {
        await db.em().nativeDelete(IdempotencyKeyEntity, { id, createdAt })
        continue
      }
      if (row.requestHash !== requestHash) {
        throw precondition(
          'idempotency_key_reused',
          'This idempotency key was used for another request. Take a new key for every new request.',
        )
      }
      if (answer) return { answer }
      // This controller makes one call a key, this one: an open row of its own is a call that failed.
      if (row.holder === holder || age > longestCallMs) {
        const known = unstored.get(id)
        if (known) return { answer: known }
        if (done) throw answerLost()
        const free = { id, holder: row.holder, createdAt, answer: null, done: false }
        const taken = await db.em().nativeUpdate(IdempotencyKeyEntity, free, { holder, createdAt: clock.now() })
        if (taken === 1) return { makes }
        continue
      }
      if (waited >= waitMs) throw goingOn()
      await delay(lookEveryMs)
    }
  }

  async function call(
    { id, requestHash, method }: { id: string; requestHash: string; method: DescMethod },
    work: (makes: string) => Promise<Record<string, unknown>>,
  ): Promise<Record<string, unknown>> {
    const known = await answerOf(id, requestHash)
    if ('answer' in known)
      return fromBinary(method.output as DescMessage, known.answer) as unknown as Record<string, unknown>
    let reply: Record<string, unknown>
    try {
      reply = await db.alongside(
        (em) => em.nativeUpdate(IdempotencyKeyEntity, { id, holder }, { done: true }),
        () => work(known.makes),
      )
    } catch (error) {
      // Nothing happened: the key is free again. Else the row says what happened.
      if ((error as AppError).reason !== 'outcome_unknown') {
        await db
          .em()
          .nativeDelete(IdempotencyKeyEntity, { id, holder })
          .catch(() => undefined)
      }
      throw error
    }
    const message = create(method.output as DescMessage, reply)
    const answer = Buffer.from(toBinary(method.output as DescMessage, message))
    await store(id, answer)
    return message as unknown as Record<string, unknown>
  }

  /** The work is done: that its answer cannot be stored must not turn it into an error. */
  async function store(id: string, answer: Uint8Array): Promise<void> {
    try {
      await db.em().nativeUpdate(IdempotencyKeyEntity, { id }, { answer: Buffer.from(answer) })
      unstored.delete(id)
    } catch {
      unstored.set(id, answer)
      if (unstored.size > mostUnstored) unstored.delete(unstored.keys().next().value!)
    }
  }

  return {
    async once({ method, personId, key, request }, work) {
      const id = hash([personId, method.parent.typeName, method.name, key])
      const requestHash = hash(sorted(toJson(method.input as DescMessage, request)))
      const until = performance.now() + waitMs
      for (let other = going.get(id); other; other = going.get(id)) {
        const late = delay(Math.max(0, until - performance.now()), true, { ref: false })
        if (await Promise.race([late, other.then(doNothing, doNothing)])) throw goingOn()
      }
      const mine = call({ id, requestHash, method }, work).finally(() => going.delete(id))
      going.set(id, mine)
      return mine
    },

    async forgetOld() {
      for (const [id, answer] of unstored) await store(id, answer)
      const before = new Date(clock.now().getTime() - keptMs)
      await db.em().nativeDelete(IdempotencyKeyEntity, { createdAt: { $lt: before } })
    },

    async freeInterrupted() {
      if (db.dialect === 'sqlite')
        await db.em().nativeUpdate(IdempotencyKeyEntity, { answer: null, done: false }, { holder })
    },
  }
}

const doNothing = () => false

function goingOn(): AppError {
  return new AppError('aborted', 'The same call is still going on. Try again in a moment.', { reason: 'call_going_on' })
}

function answerLost(): AppError {
  return precondition(
    'answer_lost',
    'This call was carried out before, but the controller went down before it could keep the answer. Look for what it made.',
  )
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
