// Sessions: a cookie's token, stored hashed; each use moves its end on.
import { type Keys, randomToken } from '../../platform/crypto.ts'
import type { EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { CallContext } from '../../transport/call.ts'
import { sessionCookie } from '../../transport/origin.ts'
import { SessionEntity } from './session.entity.ts'

const dayMs = 24 * 3_600_000
/** Unused for this long, a session ends. */
const idleMs = 14 * dayMs
/** However much it is used, it ends after this long. */
const longestMs = 90 * dayMs

/** When a session that is used now will be over. */
export function sessionEnd(createdAt: Date, now: Date): Date {
  return new Date(Math.min(now.getTime() + idleMs, createdAt.getTime() + longestMs))
}

/** Inside a transaction; the token goes into the cookie once it is committed. The person's old ones that are over go. */
export async function makeSession(
  em: EntityManager,
  keys: Keys,
  session: { userId: string; userAgent: string; now: Date },
): Promise<string> {
  const { userId, userAgent, now } = session
  const token = randomToken('afs_')
  await em.nativeDelete(SessionEntity, { userId, expiresAt: { $lte: now } })
  await em.insert(SessionEntity, {
    id: uuidv7(),
    userId,
    tokenHash: keys.hashToken(token),
    userAgent,
    createdAt: now,
    lastSeenAt: now,
    expiresAt: sessionEnd(now, now),
  })
  return token
}

/** The cookie stays as long as a session can; the row says when it is over. */
export function giveSession(ctx: CallContext, token: string): void {
  ctx.reply.setCookie(sessionCookie, token, longestMs / 1000)
}

export function takeSessionAway(ctx: CallContext): void {
  ctx.reply.setCookie(sessionCookie, null)
}
