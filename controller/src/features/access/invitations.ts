// Invitations: made with a one-time link, taken once.
import type { Role } from '@ansflow/proto/access'
import { notFound } from '@ansflow/proto/errors'
import { type Keys, randomToken } from '../../platform/crypto.ts'
import type { EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { Scope } from '../../transport/call.ts'
import { InvitationEntity, type InvitationRow } from './invitation.entity.ts'

const lifetimeMs = 7 * 24 * 3_600_000

/** Inside a transaction. Replaces an open invitation of the same address to the same scope. */
export async function makeInvitation(
  em: EntityManager,
  keys: Keys,
  invitation: { scope: Scope; email: string; role: Role; invitedBy: string; apiTokenId: string | null; now: Date },
): Promise<{ row: InvitationRow; link: string }> {
  const { scope, email, role, invitedBy, apiTokenId, now } = invitation
  const { organizationId, projectId = null } = scope
  await em.nativeDelete(InvitationEntity, { organizationId, projectId, email })
  const token = randomToken('afi_')
  const row = em.create(InvitationEntity, {
    id: uuidv7(),
    organizationId,
    projectId,
    email,
    role,
    tokenHash: keys.hashToken(token),
    invitedBy,
    apiTokenId,
    createdAt: now,
    expiresAt: new Date(now.getTime() + lifetimeMs),
  })
  await em.flush()
  return { row, link: `/invite#${token}` }
}

/** Throws `not_found` for unknown, used and expired ones alike. */
export async function openInvitation(em: EntityManager, keys: Keys, token: string, now: Date): Promise<InvitationRow> {
  const row = await em.findOne(InvitationEntity, { tokenHash: keys.hashToken(token) })
  if (!row || row.expiresAt <= now) throw notFound('invitation', '')
  return row
}

/** Inside a transaction: true for the one call that got it. */
export async function takeInvitation(em: EntityManager, id: string): Promise<boolean> {
  return (await em.nativeDelete(InvitationEntity, { id })) === 1
}
