// Limits on tries to sign in. A try is counted before the password is looked at, so that many at once cannot slip through.
// Nobody can keep an account's person out for good: whoever signs in from where they did before only has the limits of
// that address.
import { AppError } from '@ansflow/proto/errors'
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import type { Keys } from '../../platform/crypto.ts'
import type { Db } from '../../platform/db.ts'
import { placeOf } from '../../platform/place.ts'
import { LoginLimitEntity } from './login-limit.entity.ts'

const windowMs = 15 * 60_000
const knownMs = 30 * 24 * 3_600_000
/** Of one account from one address. */
export const triesPerPair = 10
/** Of one account from all addresses it never signed in from. */
export const triesPerAccount = 100
/** Of all accounts from one address. Those that succeed do not count. */
export const triesPerAddress = 50

export interface Try {
  email: string
  address: string
  now: Date
}

export async function countTry(db: Db, keys: Keys, { email, address, now }: Try): Promise<void> {
  const ids = idsOf(keys, email, address)
  // First: whoever is over this limit makes no more rows.
  await count(db, ids.address, triesPerAddress, now)
  await count(db, ids.pair, triesPerPair, now)
  const known = await db.em().count(LoginLimitEntity, { id: ids.known, windowEndsAt: { $gt: now } })
  if (known === 0) await count(db, ids.account, triesPerAccount, now)
}

/** The right password was given. */
export async function rememberSuccess(db: Db, keys: Keys, { email, address, now }: Try): Promise<void> {
  const ids = idsOf(keys, email, address)
  await db.transaction(async (em) => {
    await em.nativeDelete(LoginLimitEntity, { id: { $in: [ids.pair, ids.account] } })
    await db
      .kysely<Tables>(em)
      .updateTable('login_limit')
      .set((row) => ({ tries: row('tries', '-', 1) }))
      .where('id', '=', ids.address)
      .execute()
    await em.upsert(LoginLimitEntity, { id: ids.known, tries: 0, windowEndsAt: new Date(now.getTime() + knownMs) })
  })
}

interface Tables {
  login_limit: { id: string; tries: number }
}

function idsOf(keys: Keys, email: string, address: string) {
  const place = placeOf(address)
  return {
    address: keys.hashToken(`address ${place}`),
    pair: keys.hashToken(`pair ${email} ${place}`),
    account: keys.hashToken(`account ${email}`),
    known: keys.hashToken(`known ${email} ${place}`),
  }
}

async function count(db: Db, id: string, limit: number, now: Date): Promise<void> {
  const windowEndsAt = new Date(now.getTime() + windowMs)
  const row = await db.transaction(async (em) => {
    await em.nativeUpdate(LoginLimitEntity, { id, windowEndsAt: { $lte: now } }, { tries: 0, windowEndsAt })
    const changed = await db
      .kysely<Tables>(em)
      .updateTable('login_limit')
      .set((row) => ({ tries: row('tries', '+', 1) }))
      .where('id', '=', id)
      .executeTakeFirst()
    if (changed.numUpdatedRows === 0n) return undefined
    return em.findOneOrFail(LoginLimitEntity, { id })
  })
  if (row === undefined) {
    try {
      await db.transaction(async (em) => {
        await em.nativeDelete(LoginLimitEntity, { windowEndsAt: { $lte: now } })
        await em.insert(LoginLimitEntity, { id, tries: 1, windowEndsAt })
      })
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
