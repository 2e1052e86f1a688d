// Members of an organization or a project: the same rules for both. Nobody gives, changes or takes a role above their own;
// an organization keeps an owner, also when two people act at once.
import { Role } from '@ansflow/proto/access'
import { AppError, invalidField, notFound, precondition } from '@ansflow/proto/errors'
import { type Invitation, InvitationSchema, type Member, MemberSchema } from '@ansflow/proto/gen/ansflow/v1/members_pb'
import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { LockMode } from '@mikro-orm/core'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Keys } from '../../platform/crypto.ts'
import type { Db, EntityManager } from '../../platform/db.ts'
import { type CallContext, personOf, type Scope } from '../../transport/call.ts'
import {
  GrantEntity,
  grantsWithin,
  InvitationEntity,
  type InvitationRow,
  makeInvitation,
  removeGrants,
  roleOn,
  setGrant,
} from '../access/index.ts'
import { holdCredential, readEmail, type User, UserEntity } from '../auth/index.ts'
import { OrganizationEntity } from '../organizations/index.ts'

export interface MembersDeps {
  db: Db
  bus: Bus
  clock: Clock
  keys: Keys
}

export async function listMembers(
  em: EntityManager,
  scope: Scope,
  now: Date,
): Promise<{ members: Member[]; invitations: Invitation[] }> {
  const { organizationId, projectId = null } = scope
  const scopeIds = projectId === null ? [organizationId] : [organizationId, projectId]
  const grants = await em.find(GrantEntity, { scopeId: { $in: scopeIds } })
  const users = await em.find(
    UserEntity,
    { id: { $in: grants.map((grant) => grant.userId) } },
    { orderBy: { name: 'asc', id: 'asc' } },
  )
  const members = users.flatMap((user) => {
    const own = grants.filter((grant) => grant.userId === user.id).sort((a, b) => b.role - a.role)
    const highest = own[0]
    return highest ? [toMember(user, highest.role, projectId !== null && highest.projectId === null)] : []
  })
  const open = await em.find(
    InvitationEntity,
    { organizationId, projectId, expiresAt: { $gt: now } },
    { orderBy: { email: 'asc' } },
  )
  return { members, invitations: open.map(toInvitation) }
}

/** A known address is granted at once; else the answer has the link to hand over. */
export async function inviteMember(
  deps: MembersDeps,
  ctx: CallContext,
  scope: Scope,
  request: { email: string; role: Role },
): Promise<{ invitation: Invitation; link: string }> {
  const { db, bus, clock, keys } = deps
  const person = personOf(ctx)
  const email = readEmail(request.email)
  const role = readRole(request.role)
  mayGive(roleOn(person.grants, scope), role)
  const now = clock.now()
  const { row, link, granted } = await db.transaction(async (em) => {
    await holdCredential(em, person)
    const user = await em.findOne(UserEntity, { email })
    if (!user) {
      const apiTokenId = person.tokenId ?? null
      const made = await makeInvitation(em, keys, { scope, email, role, invitedBy: person.userId, apiTokenId, now })
      return { ...made, granted: '' }
    }
    await changeRole(em, scope, user.id, roleOn(person.grants, scope), role, now)
    const { organizationId, projectId = null } = scope
    const row = { id: '', organizationId, projectId, email, role, expiresAt: now }
    return { row, link: '', granted: user.id }
  })
  if (granted) bus.publish('access.changed', { userId: granted })
  bus.publish('members.changed', { organizationId: scope.organizationId, id: granted || row.id })
  return { invitation: toInvitation(row), link }
}

export async function setMemberRole(
  deps: MembersDeps,
  ctx: CallContext,
  scope: Scope,
  request: { userId: string; role: Role },
): Promise<Member> {
  const { db, bus, clock } = deps
  const role = readRole(request.role)
  const own = roleOn(personOf(ctx).grants, scope)
  mayGive(own, role)
  const user = await db.transaction(async (em) => {
    const found = await em.findOne(UserEntity, { id: request.userId })
    const grants = found ? await em.count(GrantEntity, { userId: found.id, organizationId: scope.organizationId }) : 0
    if (!found || grants === 0) throw notFound('member', request.userId)
    await changeRole(em, scope, found.id, own, role, clock.now())
    return found
  })
  bus.publish('access.changed', { userId: user.id })
  bus.publish('members.changed', { organizationId: scope.organizationId, id: user.id })
  return toMember(user, role, false)
}

export async function removeMember(deps: MembersDeps, ctx: CallContext, scope: Scope, userId: string): Promise<void> {
  const { db, bus } = deps
  const person = personOf(ctx)
  const own = roleOn(person.grants, scope)
  await db.transaction(async (em) => {
    await lockMembers(em, scope)
    const taken = await em.find(GrantEntity, grantsWithin(scope, userId))
    if (taken.length === 0) throw notFound('member', userId)
    if (person.userId !== userId) for (const { role } of taken) mayGive(own, role as Role)
    await removeGrants(em, userId, scope)
    await keepAnOwner(em, scope)
    await forgetInvitationsOf(em, scope, userId, Role.UNSPECIFIED)
  })
  bus.publish('access.changed', { userId })
  bus.publish('members.changed', { organizationId: scope.organizationId, id: userId })
}

export async function revokeInvitation(
  { bus }: MembersDeps,
  em: EntityManager,
  scope: Scope,
  id: string,
): Promise<void> {
  const { organizationId } = scope
  const gone = await em.nativeDelete(InvitationEntity, { id, organizationId })
  if (gone === 0) throw notFound('invitation', id)
  bus.publish('members.changed', { organizationId, id })
}

async function changeRole(
  em: EntityManager,
  scope: Scope,
  userId: string,
  own: Role,
  role: Role,
  now: Date,
): Promise<void> {
  await lockMembers(em, scope)
  mayGive(own, await roleHeld(em, scope, userId))
  await setGrant(em, userId, scope, role, now)
  await keepAnOwner(em, scope)
  await forgetInvitationsOf(em, scope, userId, role)
}

/** Who lost a role must not come back, or bring others, by an invitation made with it. */
async function forgetInvitationsOf(em: EntityManager, scope: Scope, userId: string, role: Role): Promise<void> {
  const { organizationId, projectId } = scope
  const rest = await em.find(GrantEntity, { userId, scopeId: organizationId })
  // What the organization's role allows in a project, it still allows.
  const kept = Math.max(role, ...(projectId ? rest.map((grant) => grant.role) : []))
  const where = { organizationId, ...(projectId && { projectId }), invitedBy: userId, role: { $gt: kept } }
  await em.nativeDelete(InvitationEntity, where)
}

/** Changes of an organization's members happen one after the other. */
async function lockMembers(em: EntityManager, { organizationId }: Scope): Promise<void> {
  await em.findOne(OrganizationEntity, { id: organizationId }, { lockMode: LockMode.PESSIMISTIC_WRITE })
}

async function roleHeld(em: EntityManager, { organizationId, projectId }: Scope, userId: string): Promise<Role> {
  const grant = await em.findOne(GrantEntity, { userId, scopeId: projectId ?? organizationId }, { refresh: true })
  return (grant?.role ?? Role.UNSPECIFIED) as Role
}

async function keepAnOwner(em: EntityManager, scope: Scope): Promise<void> {
  if (scope.projectId) return
  if ((await em.count(GrantEntity, { scopeId: scope.organizationId, role: Role.OWNER })) === 0) {
    throw precondition('last_owner', 'An organization needs an owner: make somebody else one first.')
  }
}

function mayGive(own: Role, role: Role): void {
  if (role <= own) return
  throw new AppError('permission_denied', 'Only owners change owners, and nobody gives more than they have.', {
    reason: 'role_above_own',
  })
}

function readRole(role: Role): Role {
  if (![Role.VIEWER, Role.DEVELOPER, Role.MAINTAINER, Role.OWNER].includes(role)) {
    throw invalidField('role', 'must be a role: viewer, developer, maintainer or owner')
  }
  return role
}

function toMember(user: User, role: Role | number, inherited: boolean): Member {
  return create(MemberSchema, {
    userId: user.id,
    email: user.email,
    name: user.name,
    role: role as Role,
    inherited,
    ...(user.lastSeenAt && { lastSeenAt: timestampFromDate(user.lastSeenAt) }),
  })
}

function toInvitation(row: Pick<InvitationRow, 'id' | 'email' | 'role' | 'projectId' | 'expiresAt'>): Invitation {
  return create(InvitationSchema, {
    id: row.id,
    email: row.email,
    role: row.role as Role,
    projectId: row.projectId ?? '',
    ...(row.id !== '' && { expiresAt: timestampFromDate(row.expiresAt) }),
  })
}
