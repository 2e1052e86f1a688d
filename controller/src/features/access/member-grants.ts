// Grants and invitations as the members of an organization or a project: what features/members asks and takes.
import { chainOf, grantsWith, narrowest, permissionsOf, type Scope, type ScopeRef } from '@ansflow/proto/access'
import type { EntityManager } from '../../platform/db.ts'
import type { Caller } from '../../transport/call.ts'
import { GrantEntity, type GrantRow } from './grant.entity.ts'
import { counting, grantsWithin } from './grants.ts'
import { InvitationEntity, type InvitationRow } from './invitation.entity.ts'

/** Of people, on the scope or above it, that count at `now`; `most` of them, where it is said. */
export function grantsAt(em: EntityManager, scope: Scope, now: Date, most?: number): Promise<GrantRow[]> {
  const scopeId = { $in: chainOf(scope).map(({ id }) => id) }
  const limit = most === undefined ? {} : { limit: most }
  return em.find(GrantEntity, { subjectKind: 'user', scopeId, ...counting(now) }, limit)
}

/** On the scope and all that lies in it. */
export function grantsOfMember(em: EntityManager, userId: string, scope: Scope): Promise<GrantRow[]> {
  return em.find(GrantEntity, grantsWithin(scope, userId))
}

/** The one on exactly this, read anew. */
export function grantOn(em: EntityManager, userId: string, on: ScopeRef): Promise<GrantRow | null> {
  return em.findOne(GrantEntity, { subjectId: userId, scopeId: on.id }, { refresh: true })
}

export async function isMember(em: EntityManager, userId: string, organizationId: string, now: Date): Promise<boolean> {
  return (await em.count(GrantEntity, { subjectId: userId, organizationId, ...counting(now) })) > 0
}

/** Whether some list of members that the caller may read at `now` has this person. */
export async function maySeeMember(em: EntityManager, caller: Caller, userId: string, now: Date): Promise<boolean> {
  const from = caller.kind === 'user' ? grantsWith(caller, 'member.read') : []
  if (from.length === 0) return false
  const listed = from.map(({ on, organizationId }) =>
    // The members of a project are its own and those of its organization, not those of the other projects.
    on.kind === 'organization' ? { organizationId } : { scopeId: { $in: [on.id, organizationId] } },
  )
  const where = { subjectKind: 'user' as const, subjectId: userId, $and: [{ $or: listed }, counting(now)] }
  return (await em.count(GrantEntity, where)) > 0
}

/** How many have one of these roles on exactly this, for good. */
export function countForGood(em: EntityManager, on: ScopeRef, roleIds: string[]): Promise<number> {
  return em.count(GrantEntity, { scopeId: on.id, roleId: { $in: roleIds }, expiresAt: null })
}

/** To exactly this scope. */
export function openInvitations(em: EntityManager, scope: Scope, now: Date): Promise<InvitationRow[]> {
  const where = { scopeId: narrowest(scope).id, expiresAt: { $gt: now } }
  return em.find(InvitationEntity, where, { orderBy: { email: 'asc' } })
}

/** Inside a transaction. Answers what it was. */
export async function removeInvitation(
  em: EntityManager,
  organizationId: string,
  id: string,
): Promise<InvitationRow | null> {
  const invitation = await em.findOne(InvitationEntity, { id, organizationId })
  if (invitation) await em.nativeDelete(InvitationEntity, { id })
  return invitation
}

/** Who lost a role must not come back, or bring others, by an invitation made with it. */
export async function forgetInvitationsOf(em: EntityManager, scope: Scope, userId: string): Promise<void> {
  const { organizationId } = scope
  const on = narrowest(scope)
  const left = await em.find(GrantEntity, { subjectId: userId, scopeId: { $in: chainOf(scope).map(({ id }) => id) } })
  const kept = new Set(left.flatMap(({ roleId }) => [...permissionsOf(roleId)]))
  // From an organization's role came those to its projects too.
  const within = on.kind === 'organization' ? { organizationId } : { scopeId: on.id }
  const made = await em.find(InvitationEntity, { invitedBy: userId, ...within })
  const above = made.filter(({ roleId }) => ![...permissionsOf(roleId)].every((permission) => kept.has(permission)))
  await em.nativeDelete(InvitationEntity, { id: { $in: above.map(({ id }) => id) } })
}
