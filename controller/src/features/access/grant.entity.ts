// A grant: one person's role on an organization or on one project.
import { defineEntity, p } from '@mikro-orm/core'

export const GrantEntity = defineEntity({
  name: 'Grant',
  tableName: 'access_grant',
  uniques: [{ properties: ['userId', 'scopeId'] }],
  properties: {
    id: p.string().length(36).primary(),
    userId: p.string().length(36),
    organizationId: p.string().length(36).index(),
    projectId: p.string().length(36).nullable().index(),
    /** The project's id, or the organization's: what makes a grant unique, null being never equal to null. */
    scopeId: p.string().length(36),
    role: p.integer(),
    createdAt: p.datetime(3),
  },
})
