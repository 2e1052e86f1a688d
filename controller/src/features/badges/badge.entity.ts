// Pipelines whose badges have got another address than their first one.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

export const BadgeEntity = defineEntity({
  name: 'Badge',
  tableName: 'badge',
  indexes: [{ properties: ['projectId'] }],
  properties: {
    pipelineId: p.string().length(36).primary(),
    projectId: p.string().length(36),
    /** What the token is made of, together with a key that is not in the database. */
    mark: p.string().length(64),
    renewedAt: p.datetime(3),
    renewedByName: p.string().length(255),
  },
})

export type BadgeRow = InferEntity<typeof BadgeEntity>
