// Asks "can" for the doors, and says why not. Pure: the caller brings their grants.
import { can, grantsOn, grantsWith, narrowest, type Permission, type ScopeKind } from '@ansflow/proto/access'
import { AppError, forbidden, notFound, unauthenticated } from '@ansflow/proto/errors'
import type { Caller, Scope } from '../../transport/call.ts'

/** Throws `not_found` when the caller has nothing to do with the scope at all, else `permission_denied`. */
export function authorize(
  caller: Caller,
  permission: Permission,
  scope: Scope,
  what: { noun: string; id: string } = { noun: narrowest(scope).kind, id: narrowest(scope).id },
): void {
  if (caller.kind === 'anonymous') throw unauthenticated()
  if (caller.kind === 'agent') throw forbidden(permission)
  if (can(caller, permission, scope)) return
  const here = grantsOn(caller.grants, scope)
  if (!here.some((grant) => grant.permissions.size > 0)) {
    // A member of some project knows the organization; what is not theirs in it is merely forbidden.
    const knows =
      narrowest(scope).kind === 'organization' &&
      caller.grants.some((grant) => grant.organizationId === scope.organizationId)
    throw knows ? forbidden(permission) : notFound(what.noun, what.id)
  }
  if (!here.some((grant) => grant.permissions.has(permission))) throw forbidden(permission)
  throw new AppError('permission_denied', `This token does not have the scope ${permission}.`, {
    reason: 'scope_missing',
    params: { permission },
  })
}

export function isAllowed(caller: Caller, permission: Permission, scope: Scope): boolean {
  return caller.kind === 'user' && can(caller, permission, scope)
}

/** For lists: what the caller may read with `permission`, as ids of whole organizations and of single projects. */
export function readableScopes(
  caller: Caller,
  permission: Permission,
): { organizationIds: string[]; projectIds: string[] } {
  const grants = caller.kind === 'user' ? grantsWith(caller, permission) : []
  const idsOf = (kind: ScopeKind) => grants.filter(({ on }) => on.kind === kind).map(({ on }) => on.id)
  return { organizationIds: idsOf('organization'), projectIds: idsOf('project') }
}
