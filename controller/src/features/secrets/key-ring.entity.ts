// The keys this database works with, each sealed under the master key.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

export const KeyRingEntity = defineEntity({
  name: 'KeyRing',
  tableName: 'key_ring',
  properties: {
    /** "tokens" or "secrets". */
    purpose: p.string().length(16).primary(),
    sealedKey: p.blob(),
    createdAt: p.datetime(3),
  },
})

export type KeyRingRow = InferEntity<typeof KeyRingEntity>
