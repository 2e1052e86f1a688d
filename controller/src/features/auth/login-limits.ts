// Limits on tries to sign in, per account and per address. A try is counted before the password is looked at, so that
// many at once cannot slip through.

import { AppError } from '@ansflow/proto/errors'
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import type { Keys } from '../../platform/crypto.ts'
import type { Db } from '../../platform/db.ts'
import { LoginLimitEntity } from './login-limit.entity.ts'

const windowMs = 15 * 60_000
export const triesPerAccount = 10
export const triesPerAddress = 50

export async function countTry(db: Db, keys: Keys, email: string, address: string, now: Date): Promise<void> {
  await count(db, keys.hashToken(`account ${email}`), triesPerAccount, now)
  await count(db, keys.hashToken(`address ${address}`), triesPerAddress, now)
}

/** The right password was given: the account starts from nothing, the address does not. */
export async function forgetTries(db: Db, keys: Keys, email: string): Promise<void> {
  await db.em().nativeDelete(LoginLimitEntity, { id: keys.hashToken(`account ${email}`) })
}

async function count(db: Db, id: string, limit: number, now: Date): Promise<void> {
  const windowEndsAt = new Date(now.getTime() + windowMs)
  const row = await db.transaction(async (em) => {
    await em.nativeUpdate(LoginLimitEntity, { id, windowEndsAt: { $lte: now } }, { tries: 0, windowEndsAt })
    const table = db.kysely<{ login_limit: { id: string; tries: number } }>(em)
    const changed = await table
      .updateTable('login_limit')
      .set((row) => ({ tries: row('tries', '+', 1) }))
      .where('id', '=', id)
      .executeTakeFirst()
    if (changed.numUpdatedRows === 0n) return undefined
    return em.findOneOrFail(LoginLimitEntity, { id })
  })
  if (row === undefined) {
    try {
      await db.em().insert(LoginLimitEntity, { id, tries: 1, windowEndsAt })
    } catch (error) {
      if (!(error instanceof UniqueConstraintViolationException)) throw error
      await count(db, id, limit, now)
    }
    return
  }
  if (row.tries > limit) {
    const seconds = Math.max(1, Math.ceil((row.windowEndsAt.getTime() - now.getTime()) / 1000))
    throw new AppError('resource_exhausted', `Too many tries. Try again in ${seconds} seconds.`, {
      reason: 'login_limit',
      params: { retry_after: String(seconds) },
    })
  }
}
