// Invitations: made with a one-time link, taken once.
import { mayGive, narrowest, type Scope, type ScopeKind } from '@ansflow/proto/access'
import { notFound } from '@ansflow/proto/errors'
import { type Keys, randomToken } from '../../platform/crypto.ts'
import type { Db, EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { grantsOf } from './grants.ts'
import { InvitationEntity, type InvitationRow } from './invitation.entity.ts'

const lifetimeMs = 7 * 24 * 3_600_000

/** The role of an open invitation of this address to exactly this scope. */
export async function invitedAs(em: EntityManager, scope: Scope, email: string): Promise<string | undefined> {
  const { id: scopeId } = narrowest(scope)
  return (await em.findOne(InvitationEntity, { organizationId: scope.organizationId, scopeId, email }))?.roleId
}

/** Inside a transaction. Replaces an open invitation of the same address to the same scope. */
export async function makeInvitation(
  em: EntityManager,
  keys: Keys,
  invitation: { scope: Scope; email: string; roleId: string; invitedBy: string; apiTokenId: string | null; now: Date },
): Promise<{ row: InvitationRow; link: string }> {
  const { scope, email, roleId, invitedBy, apiTokenId, now } = invitation
  const { kind: scopeKind, id: scopeId } = narrowest(scope)
  await em.nativeDelete(InvitationEntity, { organizationId: scope.organizationId, scopeId, email })
  const token = randomToken('afi_')
  const row = em.create(InvitationEntity, {
    id: uuidv7(),
    organizationId: scope.organizationId,
    scopeKind,
    scopeId,
    email,
    roleId,
    tokenHash: keys.hashToken(token),
    invitedBy,
    apiTokenId,
    createdAt: now,
    expiresAt: new Date(now.getTime() + lifetimeMs),
  })
  await em.flush()
  return { row, link: `/invite#${token}` }
}

/** Throws `not_found` for unknown, used and expired ones alike, and for those whose maker has less than they give by now. */
export async function openInvitation(
  db: Db,
  em: EntityManager,
  keys: Keys,
  token: string,
  now: Date,
): Promise<InvitationRow> {
  const row = await em.findOne(InvitationEntity, { tokenHash: keys.hashToken(token) })
  if (!row || row.expiresAt <= now) throw notFound('invitation', '')
  const maker = { grants: await grantsOf(db, em, row.invitedBy, now), scopes: ['*'] }
  if (!mayGive(maker, row.roleId, { organizationId: row.organizationId, ...scopeIdOf(row) }, null)) {
    throw notFound('invitation', '')
  }
  return row
}

function scopeIdOf({ scopeKind, scopeId }: InvitationRow): Partial<Scope> {
  return { [`${scopeKind as ScopeKind}Id`]: scopeId }
}

/** Inside a transaction: true for the one call that got it. */
export async function takeInvitation(em: EntityManager, id: string): Promise<boolean> {
  return (await em.nativeDelete(InvitationEntity, { id })) === 1
}
