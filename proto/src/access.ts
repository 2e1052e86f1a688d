// Who may do what: the permissions, and what each role brings. Read by the controller's `authorize` and by the console to
// hide what a person cannot do.
import { Role } from '@ansflow/proto/gen/ansflow/v1/access_pb'

export { Role }

/** Every permission there is, with the lowest role that has it. Higher roles have all of the lower ones. */
export const permissions = {
  'project.read': Role.VIEWER,
  'pipeline.read': Role.VIEWER,
  'run.read': Role.VIEWER,
  'agent.read': Role.VIEWER,
  'member.read': Role.VIEWER,
  'secret.read': Role.VIEWER,
  'pipeline.edit': Role.DEVELOPER,
  'pipeline.publish': Role.DEVELOPER,
  'run.start': Role.DEVELOPER,
  'run.cancel': Role.DEVELOPER,
  'pipeline.delete': Role.MAINTAINER,
  'project.create': Role.MAINTAINER,
  'project.update': Role.MAINTAINER,
  'secret.manage': Role.MAINTAINER,
  'member.manage': Role.MAINTAINER,
  'agent.manage': Role.MAINTAINER,
  'project.delete': Role.OWNER,
  'organization.update': Role.OWNER,
} as const satisfies Record<string, Role>

export type Permission = keyof typeof permissions

/** Words an rpc may name instead of a permission: anyone, any signed-in caller, an agent's identity. */
export const callerKinds: readonly string[] = ['public', 'self', 'agent']

export function isPermission(word: string): word is Permission {
  return Object.hasOwn(permissions, word)
}

/** A role that this program does not know, of one newer than it, has nothing. */
export function roleHas(role: Role, permission: Permission): boolean {
  return isRole(role) && role >= permissions[permission]
}

export function isRole(role: number): role is Role {
  return role !== Role.UNSPECIFIED && Role[role] !== undefined
}

/** "*" allows everything, "run.*" a family, else the permission itself. */
export function scopeAllows(scopes: readonly string[], permission: string): boolean {
  return scopes.some(
    (scope) =>
      scope === '*' || scope === permission || (scope.endsWith('.*') && permission.startsWith(scope.slice(0, -1))),
  )
}

/** A scope that `scopeAllows` can ever match. */
export function isScope(scope: string): boolean {
  if (scope === '*' || isPermission(scope)) return true
  return scope.endsWith('.*') && Object.keys(permissions).some((p) => p.startsWith(scope.slice(0, -1)))
}
