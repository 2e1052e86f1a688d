// The one decision who may do what. Pure: the caller brings their grants.
import { isRole, type Permission, Role, roleHas, scopeAllows } from '@ansflow/proto/access'
import { AppError, forbidden, notFound, unauthenticated } from '@ansflow/proto/errors'
import type { Caller, Grant, Scope } from '../../transport/call.ts'

/** The higher of the roles on the organization and on the project. */
export function roleOn(grants: readonly Grant[], { organizationId, projectId }: Scope): Role {
  let role: Role = Role.UNSPECIFIED
  for (const grant of grants) {
    if (grant.organizationId !== organizationId) continue
    if (grant.projectId !== null && grant.projectId !== projectId) continue
    if (isRole(grant.role) && grant.role > role) role = grant.role
  }
  return role
}

/** Throws `not_found` when the caller has nothing to do with the scope at all, else `permission_denied`. */
export function authorize(
  caller: Caller,
  permission: Permission,
  scope: Scope,
  what: { noun: string; id: string } = scope.projectId
    ? { noun: 'project', id: scope.projectId }
    : { noun: 'organization', id: scope.organizationId },
): void {
  if (caller.kind === 'anonymous') throw unauthenticated()
  if (caller.kind === 'agent') throw forbidden(permission)
  const role = roleOn(caller.grants, scope)
  if (role === Role.UNSPECIFIED) {
    // A member of some project knows the organization; what is not theirs in it is merely forbidden.
    const knows = !scope.projectId && caller.grants.some((grant) => grant.organizationId === scope.organizationId)
    throw knows ? forbidden(permission) : notFound(what.noun, what.id)
  }
  if (!roleHas(role, permission)) throw forbidden(permission)
  if (!scopeAllows(caller.scopes, permission)) {
    throw new AppError('permission_denied', `This token does not have the scope ${permission}.`, {
      reason: 'scope_missing',
      params: { permission },
    })
  }
}

export function isAllowed(caller: Caller, permission: Permission, scope: Scope): boolean {
  if (caller.kind !== 'user') return false
  return roleHas(roleOn(caller.grants, scope), permission) && scopeAllows(caller.scopes, permission)
}

/** For lists: what the caller may read with `permission`, as whole organizations and single projects. */
export function readableScopes(
  caller: Caller,
  permission: Permission,
): { organizationIds: string[]; projectIds: string[] } {
  if (caller.kind !== 'user' || !scopeAllows(caller.scopes, permission)) return { organizationIds: [], projectIds: [] }
  const able = caller.grants.filter((grant) => roleHas(grant.role, permission))
  return {
    organizationIds: able.filter((grant) => grant.projectId === null).map((grant) => grant.organizationId),
    projectIds: able.flatMap((grant) => grant.projectId ?? []),
  }
}
