// What other features keep sealed: one value of a thing of theirs, under a key of its own, that key sealed with the key ring's.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

export const SealedValueEntity = defineEntity({
  name: 'SealedValue',
  tableName: 'sealed_value',
  properties: {
    /** Of the thing that it is of. */
    ownerId: p.string().length(36).primary(),
    /** What it is, such as "connection". */
    kind: p.string().length(32),
    sealedKey: p.blob(),
    sealedValue: p.blob().length(131_072),
  },
})

export type SealedValue = InferEntity<typeof SealedValueEntity>
