// Values that other features keep sealed, in the same envelopes as secrets: a row copied to another thing does not open.
import { randomBytes } from 'node:crypto'
import { type Keys, keyLength, open, seal } from '../../platform/crypto.ts'
import type { EntityManager } from '../../platform/db.ts'
import { type SealedValue, SealedValueEntity } from './sealed-value.entity.ts'

export interface SealedValues {
  /** Inside a transaction, in the place of the one there was. */
  put(em: EntityManager, owner: SealedOwner, value: string): Promise<void>
  /** Inside a transaction. Throws UniqueConstraintViolationException: there is one. */
  add(em: EntityManager, owner: SealedOwner, value: string): Promise<void>
  /** Undefined: there is none. */
  read(em: EntityManager, owner: SealedOwner): Promise<string | undefined>
  /** By owner, those that there are. */
  readAll(em: EntityManager, kind: string, owners: readonly string[]): Promise<Map<string, string>>
  ownersOf(em: EntityManager, kind: string): Promise<string[]>
  remove(em: EntityManager, owners: readonly string[]): Promise<void>
}

export type SealedOwner = Pick<SealedValue, 'ownerId' | 'kind'>

export function createSealedValues(keys: Keys): SealedValues {
  async function add(em: EntityManager, { ownerId, kind }: SealedOwner, value: string): Promise<void> {
    const context = contextOf({ ownerId, kind })
    const key = randomBytes(keyLength)
    const sealed = { sealedKey: keys.seal(key, context), sealedValue: seal(key, Buffer.from(value, 'utf8'), context) }
    await em.insert(SealedValueEntity, { ownerId, kind, ...sealed })
  }

  function opened(row: SealedValue): string {
    const context = contextOf(row)
    return open(keys.open(row.sealedKey, context), row.sealedValue, context).toString('utf8')
  }

  return {
    async put(em, owner, value) {
      await em.nativeDelete(SealedValueEntity, { ownerId: owner.ownerId })
      await add(em, owner, value)
    },

    add,

    async read(em, owner) {
      const row = await em.findOne(SealedValueEntity, { ownerId: owner.ownerId, kind: owner.kind })
      return row ? opened(row) : undefined
    },

    async readAll(em, kind, owners) {
      const rows = owners.length > 0 ? await em.find(SealedValueEntity, { ownerId: { $in: [...owners] }, kind }) : []
      return new Map(rows.map((row) => [row.ownerId, opened(row)]))
    },

    async ownersOf(em, kind) {
      const rows = await em.find(SealedValueEntity, { kind }, { fields: ['ownerId'] })
      return rows.map(({ ownerId }) => ownerId)
    },

    async remove(em, owners) {
      if (owners.length > 0) await em.nativeDelete(SealedValueEntity, { ownerId: { $in: [...owners] } })
    },
  }
}

/** Inside a transaction: the keys of all of them out of one sealing and into another. Answers how many. */
export async function rewrapSealedValues(em: EntityManager, from: Keys, to: Keys): Promise<number> {
  const rows = await em.find(SealedValueEntity, {})
  for (const row of rows) {
    const context = contextOf(row)
    const sealedKey = to.seal(from.open(row.sealedKey, context), context)
    await em.nativeUpdate(SealedValueEntity, { ownerId: row.ownerId }, { sealedKey })
  }
  return rows.length
}

function contextOf({ ownerId, kind }: SealedOwner): string {
  return `${kind} ${ownerId}`
}
