// An organization: the tenant.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

export const OrganizationEntity = defineEntity({
  name: 'Organization',
  tableName: 'organization',
  properties: {
    id: p.string().length(36).primary(),
    slug: p.string().length(64).unique(),
    name: p.string().length(128),
    createdAt: p.datetime(3),
  },
})

export type Organization = InferEntity<typeof OrganizationEntity>
