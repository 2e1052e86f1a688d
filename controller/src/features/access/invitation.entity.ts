// An invitation: a role waiting for a person who has no account yet.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

export const InvitationEntity = defineEntity({
  name: 'Invitation',
  tableName: 'invitation',
  properties: {
    id: p.string().length(36).primary(),
    organizationId: p.string().length(36).index(),
    /** A ScopeKind. */
    scopeKind: p.string().length(16),
    scopeId: p.string().length(36).index(),
    email: p.string().length(254),
    roleId: p.string().length(36),
    tokenHash: p.string().length(64).unique(),
    invitedBy: p.string().length(36),
    /** The API token that made it. */
    apiTokenId: p.string().length(36).nullable().index(),
    createdAt: p.datetime(3),
    expiresAt: p.datetime(3),
  },
})

export type InvitationRow = InferEntity<typeof InvitationEntity>
