// A grant: who has which role on what, and until when.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

export const GrantEntity = defineEntity({
  name: 'Grant',
  tableName: 'access_grant',
  uniques: [{ properties: ['subjectId', 'scopeId'] }],
  properties: {
    id: p.string().length(36).primary(),
    /** "user". */
    subjectKind: p.string().length(16),
    subjectId: p.string().length(36),
    /** That of the scope, or the scope itself. */
    organizationId: p.string().length(36).index(),
    /** A ScopeKind. */
    scopeKind: p.string().length(16),
    scopeId: p.string().length(36).index(),
    roleId: p.string().length(36),
    createdAt: p.datetime(3),
    /** Null: never. From then on it counts no more. */
    expiresAt: p.datetime(3).nullable(),
  },
})

export type GrantRow = InferEntity<typeof GrantEntity>
