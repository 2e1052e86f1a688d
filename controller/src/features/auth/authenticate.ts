// Who calls: from the session cookie or the bearer token to a person with their grants. On the way of every call, so it
// makes two indexed queries at most and remembers the answer for two seconds, or until the person's access changes.
import { AppError } from '@ansflow/proto/errors'
import { parseCookie } from 'cookie'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Keys } from '../../platform/crypto.ts'
import type { Db } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import { placeOf } from '../../platform/place.ts'
import { meter } from '../../platform/rate.ts'
import { nextEndOf } from '../../transport/access-watch.ts'
import type { Caller, Incoming } from '../../transport/call.ts'
import { sessionCookie } from '../../transport/origin.ts'
import { grantsOf } from '../access/index.ts'
import { sessionEnd } from './sessions.ts'

type Person = Extract<Caller, { kind: 'user' }>

export interface AuthenticateDeps {
  db: Db
  bus: Bus
  clock: Clock
  keys: Keys
  log: Logger
  /** The agent with this hash of its secret. */
  agentBySecret(secretHash: string): Promise<{ agentId: string; organizationId: string } | undefined>
}

interface Tables {
  session: {
    id: string
    user_id: string
    token_hash: string
    name: string
    created_at: unknown
    expires_at: unknown
    last_seen_at: unknown
  }
  api_token: {
    id: string
    user_id: string
    token_hash: string
    name: string
    scopes: string
    expires_at: unknown
    last_used_at: unknown
  }
  user: { id: string; name: string; email: string; last_seen_at: unknown }
}

const rememberedMs = 2000
/** "Last seen" is written this seldom. */
const seenEveryMs = 60_000
const sizeLimit = 10_000
/** Tokens that nobody has, from one address: each costs a query. */
const wrongTokens = { perSecond: 10, burst: 100 }

export interface Authenticator {
  authenticate(incoming: Pick<Incoming, 'header' | 'address'>): Promise<Caller>
  stop(): void
}

export function createAuthenticator({ db, bus, clock, keys, log, agentBySecret }: AuthenticateDeps): Authenticator {
  const remembered = new Map<string, { caller: Person; until: number }>()
  /** Tokens that were right once, and those that were wrong just now, until when. */
  const right = new Set<string>()
  const wrong = new Map<string, number>()
  const guesses = meter(wrongTokens)
  const forget = bus.subscribe('access.changed', ({ userId }) => {
    for (const [key, { caller }] of remembered) if (caller.userId === userId) remembered.delete(key)
  })

  return { authenticate, stop: forget }

  async function authenticate(incoming: Pick<Incoming, 'header' | 'address'>): Promise<Caller> {
    const place = placeOf(incoming.address)
    const authorization = incoming.header('authorization')
    if (authorization !== undefined) {
      const token = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization)?.[1]
      if (token === undefined) return { kind: 'anonymous' }
      const hash = keys.hashToken(token)
      if (!token.startsWith('afa_')) return remember(hash, () => guess(hash, place, () => byApiToken(hash)))
      const agent = await guess(hash, place, () => agentBySecret(hash))
      return agent ? { kind: 'agent', ...agent } : { kind: 'anonymous' }
    }
    const token = parseCookie(incoming.header('cookie') ?? '')[sessionCookie]
    if (token === undefined || token === '') return { kind: 'anonymous' }
    const hash = keys.hashToken(token)
    return remember(hash, () => guess(hash, place, () => bySession(hash)))
  }

  /** Nobody waits behind someone who tries tokens: those of one address are few a second, unless they were right before. */
  async function guess<T>(hash: string, place: string, look: () => Promise<T | undefined>): Promise<T | undefined> {
    const now = clock.now().getTime()
    if ((wrong.get(hash) ?? 0) > now) return undefined
    const isKnown = right.has(hash)
    if (!isKnown) {
      if (guesses.waitMs(place) > 0) throw tooManyTokens()
      guesses.spend(place, 1)
    }
    const found = await look()
    if (found === undefined) {
      right.delete(hash)
      if (wrong.size >= sizeLimit) wrong.clear()
      wrong.set(hash, now + rememberedMs)
      return undefined
    }
    if (!isKnown) guesses.spend(place, -1)
    if (right.size >= sizeLimit) right.clear()
    right.add(hash)
    return found
  }

  async function remember(hash: string, find: () => Promise<Person | undefined>): Promise<Caller> {
    const now = clock.now().getTime()
    const known = remembered.get(hash)
    if (known && known.until > now) return known.caller
    const caller = await find()
    if (!caller) {
      remembered.delete(hash)
      return { kind: 'anonymous' }
    }
    if (remembered.size >= sizeLimit) remembered.clear()
    // Never longer than the token, the session or a grant lasts.
    const until = Math.min(now + rememberedMs, nextEndOf(caller))
    remembered.set(hash, { caller, until })
    return caller
  }

  async function bySession(hash: string): Promise<Person | undefined> {
    const em = db.em()
    const row = await db
      .kysely<Tables>(em)
      .selectFrom('session as s')
      .innerJoin('user as u', 'u.id', 's.user_id')
      .select(['s.id', 's.user_id', 's.created_at', 's.expires_at', 's.last_seen_at', 'u.name', 'u.email'])
      .where('s.token_hash', '=', hash)
      .executeTakeFirst()
    const now = clock.now()
    if (!row) return undefined
    let expiresAt = db.fromColumn(row.expires_at)
    if (expiresAt <= now) return undefined
    if (now.getTime() - db.fromColumn(row.last_seen_at).getTime() > seenEveryMs) {
      expiresAt = sessionEnd(db.fromColumn(row.created_at), now)
      const changes = { last_seen_at: db.toColumn(now), expires_at: db.toColumn(expiresAt) }
      await seen('session', row.id, changes)
      await seen('user', row.user_id, { last_seen_at: db.toColumn(now) })
    }
    const grants = await grantsOf(db, em, row.user_id, now)
    const { user_id: userId, name, email, id: sessionId } = row
    return { kind: 'user', userId, name, email, grants, scopes: ['*'], sessionId, expiresAt }
  }

  async function byApiToken(hash: string): Promise<Person | undefined> {
    const em = db.em()
    const row = await db
      .kysely<Tables>(em)
      .selectFrom('api_token as t')
      .innerJoin('user as u', 'u.id', 't.user_id')
      .select([
        't.id',
        't.user_id',
        't.scopes',
        't.expires_at',
        't.last_used_at',
        't.name as token_name',
        'u.name',
        'u.email',
      ])
      .where('t.token_hash', '=', hash)
      .executeTakeFirst()
    const now = clock.now()
    if (!row) return undefined
    const expiresAt = row.expires_at === null ? undefined : db.fromColumn(row.expires_at)
    if (expiresAt && expiresAt <= now) return undefined
    if (row.last_used_at === null || now.getTime() - db.fromColumn(row.last_used_at).getTime() > seenEveryMs) {
      await seen('api_token', row.id, { last_used_at: db.toColumn(now) })
    }
    const grants = await grantsOf(db, em, row.user_id, now)
    const { user_id: userId, name, email, id, token_name } = row
    const token = { id, name: token_name }
    const scopes = row.scopes.split(' ')
    return { kind: 'user', userId, name, email, grants, scopes, token, ...(expiresAt && { expiresAt }) }
  }

  /** Only for people to look at: a call does not fail because this could not be written. */
  async function seen(table: keyof Tables, id: string, changes: Record<string, unknown>): Promise<void> {
    try {
      await db
        .kysely<Record<string, Record<string, unknown>>>()
        .updateTable(table)
        .set(changes)
        .where('id', '=', id)
        .execute()
    } catch (error) {
      log.warn({ err: error, table }, 'the last use could not be written')
    }
  }
}

function tooManyTokens(): AppError {
  return new AppError('resource_exhausted', 'Too many wrong tokens come from this address. Try again in 1 s.', {
    reason: 'too_fast',
    params: { retry_after: '1' },
  })
}
