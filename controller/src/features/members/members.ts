// Members of an organization or a project: the same rules for both. Nobody gives, changes or takes what they may not do
// themselves; an organization keeps an owner, also when two people act at once.
import {
  builtInRoles,
  findRole,
  type Holder,
  mayGive,
  mostOf,
  narrowest,
  permissions,
  type Role,
  roleIdOf,
  wireRole,
} from '@ansflow/proto/access'
import { AppError, invalidField, notFound, precondition } from '@ansflow/proto/errors'
import { type Invitation, InvitationSchema, type Member, MemberSchema } from '@ansflow/proto/gen/ansflow/v1/members_pb'
import { create } from '@bufbuild/protobuf'
import { type Timestamp, timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Keys } from '../../platform/crypto.ts'
import type { Db, EntityManager } from '../../platform/db.ts'
import { readTime } from '../../platform/request-time.ts'
import { type CallContext, personOf, type Scope } from '../../transport/call.ts'
import {
  countForGood,
  forgetInvitationsOf,
  grantOn,
  grantsAt,
  grantsOfMember,
  type InvitationRow,
  invitedAs,
  isMember,
  makeInvitation,
  openInvitations,
  removeGrants,
  removeInvitation,
  setGrant,
} from '../access/index.ts'
import { holdCredential, peopleById, personByEmail, readEmail, type User } from '../auth/index.ts'
import { lockOrganization } from '../organizations/index.ts'

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
  const here = narrowest(scope).id
  const grants = await grantsAt(em, scope, now)
  const users = await peopleById(
    em,
    grants.map((grant) => grant.subjectId),
  )
  const members = users.flatMap((user) => {
    const own = grants.filter((grant) => grant.subjectId === user.id)
    // Of two that allow the same, the one that can be changed here.
    const most = mostOf(own.sort((a, b) => Number(b.scopeId === here) - Number(a.scopeId === here)))
    return most ? [toMember(user, most, most.scopeId !== here)] : []
  })
  return { members, invitations: (await openInvitations(em, scope, now)).map(toInvitation) }
}

interface Invited {
  row: Parameters<typeof toInvitation>[0]
  link: string
  /** Whose role it is already. */
  granted: string
}

/** A known address is granted at once; else the answer has the link to hand over. */
export async function inviteMember(
  deps: MembersDeps,
  ctx: CallContext,
  scope: Scope,
  request: { email: string; role: Role; roleId: string },
): Promise<{ invitation: Invitation; link: string }> {
  const { bus, clock, keys } = deps
  const person = personOf(ctx)
  const email = readEmail(request.email)
  const roleId = readRole(request)
  refuseAbove(person, roleId, scope, null)
  const now = clock.now()
  const { row, link, granted } = await ctx.change<Invited>(async (em) => {
    const change = { resource: { kind: 'member', id: email, name: email }, after: { email, roleId } }
    await holdCredential(em, person)
    const user = await personByEmail(em, email)
    if (!user) {
      const replaced = await invitedAs(em, scope, email)
      if (replaced) refuseAbove(person, replaced, scope)
      const apiTokenId = person.token?.id ?? null
      const made = await makeInvitation(em, keys, { scope, email, roleId, invitedBy: person.userId, apiTokenId, now })
      return { ...change, result: { ...made, granted: '' } }
    }
    await changeRole(em, scope, person, { userId: user.id, roleId }, now)
    const { kind: scopeKind, id: scopeId } = narrowest(scope)
    const row = { id: '', scopeKind, scopeId, email, roleId, expiresAt: now }
    const resource = { kind: 'member', id: user.id, name: user.name }
    return { ...change, resource, result: { row, link: '', granted: user.id } }
  })
  if (granted) bus.publish('access.changed', { userId: granted })
  bus.publish('members.changed', { organizationId: scope.organizationId, id: granted || row.id })
  return { invitation: toInvitation(row), link }
}

export async function setMemberRole(
  deps: MembersDeps,
  ctx: CallContext,
  scope: Scope,
  request: { userId: string; role: Role; roleId: string; expiresAt?: Timestamp | undefined },
): Promise<Member> {
  const { bus, clock } = deps
  const now = clock.now()
  const roleId = readRole(request)
  const expiresAt = request.expiresAt && readTime('expires_at', request.expiresAt)
  if (expiresAt && expiresAt <= now) throw invalidField('expires_at', 'must be in the future', 'expiry_past')
  const person = personOf(ctx)
  refuseAbove(person, roleId, scope, expiresAt ?? null)
  const user = await ctx.change(async (em) => {
    const [found] = await peopleById(em, [request.userId])
    const isKnown = await isMember(em, request.userId, scope.organizationId, now)
    if (!found || !isKnown) throw notFound('member', request.userId)
    const held = await changeRole(em, scope, person, { userId: found.id, roleId, expiresAt }, now)
    const resource = { kind: 'member', id: found.id, name: found.name }
    return { result: found, resource, before: { roleId: held }, after: { roleId, expiresAt } }
  })
  bus.publish('access.changed', { userId: user.id })
  bus.publish('members.changed', { organizationId: scope.organizationId, id: user.id })
  return toMember(user, { roleId, expiresAt }, false)
}

export async function removeMember(deps: MembersDeps, ctx: CallContext, scope: Scope, userId: string): Promise<void> {
  const { bus } = deps
  const person = personOf(ctx)
  await ctx.change(async (em) => {
    await lockOrganization(em, scope.organizationId)
    const taken = await grantsOfMember(em, userId, scope)
    if (taken.length === 0) throw notFound('member', userId)
    if (person.userId !== userId) for (const { roleId } of taken) refuseAbove(person, roleId, scope)
    await removeGrants(em, userId, scope)
    await keepAnOwner(em, scope)
    await forgetInvitationsOf(em, scope, userId)
    const before = { roles: taken.map(({ roleId }) => roleId) }
    return { result: undefined, resource: { kind: 'member', id: userId }, before }
  })
  bus.publish('access.changed', { userId })
  bus.publish('members.changed', { organizationId: scope.organizationId, id: userId })
}

export async function revokeInvitation(
  { bus }: MembersDeps,
  ctx: CallContext,
  scope: Scope,
  id: string,
): Promise<void> {
  const { organizationId } = scope
  await ctx.change(async (em) => {
    const invitation = await removeInvitation(em, organizationId, id)
    if (!invitation) throw notFound('invitation', id)
    const { email, roleId } = invitation
    refuseAbove(personOf(ctx), roleId, scope)
    return { result: undefined, resource: { kind: 'invitation', id, name: email }, before: { email, roleId } }
  })
  bus.publish('members.changed', { organizationId, id })
}

/** Answers what it was before. */
async function changeRole(
  em: EntityManager,
  scope: Scope,
  person: Holder,
  { userId, roleId, expiresAt }: { userId: string; roleId: string; expiresAt?: Date | undefined },
  now: Date,
): Promise<string> {
  await lockOrganization(em, scope.organizationId)
  const { organizationId } = scope
  const on = narrowest(scope)
  const held = await grantOn(em, userId, on)
  if (held) refuseAbove(person, held.roleId, scope)
  await setGrant(em, { subject: { kind: 'user', id: userId }, organizationId, on, roleId, expiresAt }, now)
  await keepAnOwner(em, scope)
  await forgetInvitationsOf(em, scope, userId)
  return held?.roleId ?? ''
}

/** Somebody who may do everything, for good. */
async function keepAnOwner(em: EntityManager, scope: Scope): Promise<void> {
  const on = narrowest(scope)
  if (on.kind !== 'organization') return
  const owning = builtInRoles.filter((role) => role.permissions.size === permissions.length).map(({ id }) => id)
  if ((await countForGood(em, on, owning)) === 0) {
    throw precondition('last_owner', 'An organization needs an owner: make somebody else one first.')
  }
}

/** `until` when it is given: see `mayGive`. */
function refuseAbove(person: Holder, roleId: string, scope: Scope, until?: Date | null): void {
  if (mayGive(person, roleId, scope, until)) return
  throw new AppError(
    'permission_denied',
    'Only owners change owners, and nobody gives more, or for longer, than they have.',
    {
      reason: 'role_above_own',
    },
  )
}

function readRole({ role, roleId }: { role: Role; roleId: string }): string {
  const id = roleId || roleIdOf(role)
  if (!findRole(id)) {
    throw invalidField('role', `must be a role: ${builtInRoles.map((known) => known.id).join(', ')}`)
  }
  return id
}

function toMember(
  user: User,
  grant: { roleId: string; expiresAt?: Date | null | undefined },
  inherited: boolean,
): Member {
  return create(MemberSchema, {
    userId: user.id,
    email: user.email,
    name: user.name,
    role: wireRole(grant.roleId),
    roleId: grant.roleId,
    inherited,
    ...(user.lastSeenAt && { lastSeenAt: timestampFromDate(user.lastSeenAt) }),
    ...(grant.expiresAt && { expiresAt: timestampFromDate(grant.expiresAt) }),
  })
}

function toInvitation(
  row: Pick<InvitationRow, 'id' | 'email' | 'roleId' | 'scopeKind' | 'scopeId' | 'expiresAt'>,
): Invitation {
  return create(InvitationSchema, {
    id: row.id,
    email: row.email,
    role: wireRole(row.roleId),
    roleId: row.roleId,
    projectId: row.scopeKind === 'project' ? row.scopeId : '',
    ...(row.id !== '' && { expiresAt: timestampFromDate(row.expiresAt) }),
  })
}
