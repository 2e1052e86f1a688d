// A secret of a project: its value sealed with a key of its own, that key sealed with the key ring's.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

export const SecretEntity = defineEntity({
  name: 'Secret',
  tableName: 'secret',
  uniques: [{ properties: ['projectId', 'environmentId', 'name'] }],
  indexes: [{ properties: ['environmentId'] }],
  properties: {
    id: p.string().length(36).primary(),
    organizationId: p.string().length(36),
    projectId: p.string().length(36),
    /** Empty: the project's own. */
    environmentId: p.string().length(36).default(''),
    name: p.string().length(128),
    sealedKey: p.blob(),
    sealedValue: p.blob().length(131_072),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
    updatedBy: p.string().length(36),
  },
})

export type Secret = InferEntity<typeof SecretEntity>
