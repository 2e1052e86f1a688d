// The key ring: random keys of the database, sealed under the master key. So a wrong master key is noticed at the start, and
// another one can take its place without a token or a secret being lost.
import { randomBytes } from 'node:crypto'
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import { createKeys, type Keys, keyLength, open, seal, wrappingKey } from '../../platform/crypto.ts'
import type { Db, EntityManager } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import { KeyRingEntity, type KeyRingRow } from './key-ring.entity.ts'
import { rewrapSealedValues } from './sealed-values.ts'
import { rewrapSecrets } from './secrets.ts'

export interface MasterKeys {
  masterKey: Uint8Array
  /** The one before, for the start that changes it. */
  previousMasterKey: Uint8Array | undefined
}

const purposes = ['tokens', 'secrets'] as const
type Ring = Record<(typeof purposes)[number], Uint8Array>

export async function openKeyRing(db: Db, master: MasterKeys, now: Date, log: Logger): Promise<Keys> {
  try {
    return createKeys(await db.transaction((em) => openOrMake(em, master, now, log)))
  } catch (error) {
    // Another controller makes the ring at this moment.
    if (!(error instanceof UniqueConstraintViolationException)) throw error
    return createKeys(await db.transaction((em) => openOrMake(em, master, now, log)))
  }
}

async function openOrMake(em: EntityManager, master: MasterKeys, now: Date, log: Logger): Promise<Ring> {
  const rows = await em.find(KeyRingEntity, {})
  if (rows.length === 0) return makeRing(em, master.masterKey, now)
  const ring = openRing(rows, master.masterKey)
  if (ring) return ring
  const before = master.previousMasterKey && openRing(rows, master.previousMasterKey)
  if (before) return changeMasterKey(em, before, master.masterKey, now, log)
  throw new Error(
    'The master key is not the one this database was made with. Give that one in ANSFLOW_MASTER_KEY or in master.key in the data folder; to change it, start once with the new one and the old one in ANSFLOW_PREVIOUS_MASTER_KEY.',
  )
}

async function makeRing(em: EntityManager, masterKey: Uint8Array, now: Date): Promise<Ring> {
  const ring: Ring = { tokens: randomBytes(keyLength), secrets: randomBytes(keyLength) }
  await writeRing(em, ring, masterKey, now)
  return ring
}

/**
 * The key of secrets is a new one too, so that who knew the old master key learns nothing from then on. That of token hashes
 * stays: hashes cannot be made again, and nobody can guess a token from them.
 */
async function changeMasterKey(
  em: EntityManager,
  before: Ring,
  masterKey: Uint8Array,
  now: Date,
  log: Logger,
): Promise<Ring> {
  const ring: Ring = { tokens: before.tokens, secrets: randomBytes(keyLength) }
  const [from, to] = [createKeys(before), createKeys(ring)]
  const secrets = (await rewrapSecrets(em, from, to)) + (await rewrapSealedValues(em, from, to))
  await em.nativeDelete(KeyRingEntity, {})
  await writeRing(em, ring, masterKey, now)
  log.info({ secrets }, 'the master key was changed; ANSFLOW_PREVIOUS_MASTER_KEY can go')
  return ring
}

async function writeRing(em: EntityManager, ring: Ring, masterKey: Uint8Array, now: Date): Promise<void> {
  const key = wrappingKey(masterKey)
  for (const purpose of purposes) {
    await em.insert(KeyRingEntity, { purpose, sealedKey: seal(key, ring[purpose], contextOf(purpose)), createdAt: now })
  }
}

function openRing(rows: KeyRingRow[], masterKey: Uint8Array): Ring | undefined {
  const key = wrappingKey(masterKey)
  const openOne = (purpose: string) => {
    const row = rows.find((each) => each.purpose === purpose)
    if (!row) throw new Error(`The key ring in the database has no key for ${purpose}.`)
    return open(key, row.sealedKey, contextOf(purpose))
  }
  try {
    return { tokens: openOne('tokens'), secrets: openOne('secrets') }
  } catch {
    return undefined
  }
}

function contextOf(purpose: string): string {
  return `key ring ${purpose}`
}
