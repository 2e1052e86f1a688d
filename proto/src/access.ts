// Who may do what: the permissions, the built-in roles as sets of them, and the one question, "can". The controller asks it for
// every call, stream and socket, and the console to hide what a person cannot do.
import { Resource, Role } from '@ansflow/proto/gen/ansflow/v1/access_pb'

export { Role }

const viewer = [
  'project.read',
  'pipeline.read',
  'run.read',
  'agent.read',
  'member.read',
  'secret.read',
  'variable.read',
  'environment.read',
  'repository.read',
] as const
const developer = [
  ...viewer,
  'pipeline.edit',
  'pipeline.publish',
  'run.start',
  'run.cancel',
  'approval.decide',
] as const
const maintainer = [
  ...developer,
  'pipeline.delete',
  'project.create',
  'project.update',
  'secret.manage',
  'variable.manage',
  'environment.manage',
  'member.manage',
  'agent.manage',
  'repository.manage',
  'repository.trust',
] as const
const owner = [...maintainer, 'project.delete', 'organization.update', 'audit.read'] as const

export type Permission = (typeof owner)[number]

export interface RoleDefinition {
  /** As grants and the contract's `role_id` say it. */
  id: string
  /** In English; the console has texts of its own for those it knows. */
  name: string
  permissions: ReadonlySet<Permission>
}

/** As lists show them. */
export const builtInRoles: readonly RoleDefinition[] = [
  { id: 'viewer', name: 'Viewer', permissions: new Set(viewer) },
  { id: 'developer', name: 'Developer', permissions: new Set(developer) },
  { id: 'maintainer', name: 'Maintainer', permissions: new Set(maintainer) },
  { id: 'owner', name: 'Owner', permissions: new Set(owner) },
]

/** Every permission there is. */
export const permissions: readonly Permission[] = [...new Set(builtInRoles.flatMap((role) => [...role.permissions]))]

/** Words an rpc may name instead of a permission: anyone, any signed-in caller, an agent's identity. */
export const callerKinds: readonly string[] = ['public', 'self', 'agent']

export function isPermission(word: string): word is Permission {
  return (permissions as readonly string[]).includes(word)
}

export function findRole(id: string): RoleDefinition | undefined {
  return builtInRoles.find((role) => role.id === id)
}

const nothing: ReadonlySet<Permission> = new Set()

/** A role that this program does not know, of one newer than it, has nothing. */
export function permissionsOf(roleId: string): ReadonlySet<Permission> {
  return findRole(roleId)?.permissions ?? nothing
}

/** The contract's enum is short for the ids of the built-in roles: ROLE_VIEWER is "viewer". Empty for ROLE_UNSPECIFIED. */
export function roleIdOf(role: Role): string {
  return role === Role.UNSPECIFIED ? '' : (Role[role]?.toLowerCase() ?? '')
}

/** ROLE_UNSPECIFIED for a role that the enum has no word for. */
export function wireRole(roleId: string): Role {
  const words = [Role.VIEWER, Role.DEVELOPER, Role.MAINTAINER, Role.OWNER]
  return words.find((role) => roleIdOf(role) === roleId) ?? Role.UNSPECIFIED
}

/** What a grant may be on, the widest first. */
export const scopeKinds = ['organization', 'project'] as const
export type ScopeKind = (typeof scopeKinds)[number]

export interface ScopeRef {
  kind: ScopeKind
  id: string
}

/** The contract says what a grant is on as the resource of the same name. */
export function wireScope(kind: ScopeKind): Resource {
  return Resource[kind.toUpperCase() as Uppercase<ScopeKind>]
}

/** Undefined for what a newer program gives grants on. */
export function scopeKindOf(resource: Resource): ScopeKind | undefined {
  return scopeKinds.find((kind) => wireScope(kind) === resource)
}

/** Where a thing belongs: the id of one scope of each kind that it lies in. */
export type Scope = { organizationId: string } & { [K in Exclude<ScopeKind, 'organization'> as `${K}Id`]?: string }

export type ProjectScope = Scope & { projectId: string }

/** The same as a chain, the widest first. */
export function chainOf(scope: Scope): ScopeRef[] {
  return scopeKinds.flatMap((kind) => {
    const id = scope[`${kind}Id`]
    return id ? [{ kind, id }] : []
  })
}

/** What a grant on exactly this is on. */
export function narrowest(scope: Scope): ScopeRef {
  return chainOf(scope).at(-1) ?? { kind: 'organization', id: scope.organizationId }
}

/** A role that somebody has on a scope, and so on all that lies in it. */
export interface Grant {
  organizationId: string
  on: ScopeRef
  roleId: string
  permissions: ReadonlySet<string>
  /** Absent: for good. */
  expiresAt?: Date
}

/** Who asks: grants that count now, and what a token limits them to. */
export interface Holder {
  grants: readonly Grant[]
  /** Of the API token; "*" without one. */
  scopes: readonly string[]
}

/** The one decision: a grant anywhere on the chain has the permission, and the token may use it. */
export function can(holder: Holder, permission: Permission, scope: Scope): boolean {
  return grantsOn(grantsWith(holder, permission), scope).length > 0
}

/** The grants by which the holder has the permission: on what they are on, and all that lies in it. */
export function grantsWith({ grants, scopes }: Holder, permission: Permission): Grant[] {
  return scopeAllows(scopes, permission) ? grants.filter((grant) => grant.permissions.has(permission)) : []
}

/** Those that say something about what lies here. */
export function grantsOn(grants: readonly Grant[], scope: Scope): Grant[] {
  const chain = chainOf(scope)
  return grants.filter(({ on }) => chain.some(({ kind, id }) => kind === on.kind && id === on.id))
}

/**
 * Nobody gives, changes or takes what they do not have themselves, nor gives it for longer: until a moment, or for good (null).
 * Without `until` it is enough to have it now.
 */
export function mayGive(holder: Holder, roleId: string, scope: Scope, until?: Date | null): boolean {
  const lasts = ({ expiresAt }: Grant) => until === undefined || !expiresAt || (until !== null && expiresAt >= until)
  const lasting = { ...holder, grants: holder.grants.filter(lasts) }
  return [...permissionsOf(roleId)].every((permission) => can(lasting, permission, scope))
}

/** Of several grants on one thing, the one to show: it allows most. */
export function mostOf<G extends { roleId: string }>(grants: readonly G[]): G | undefined {
  return [...grants].sort((a, b) => permissionsOf(b.roleId).size - permissionsOf(a.roleId).size)[0]
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
  return scope.endsWith('.*') && permissions.some((p) => p.startsWith(scope.slice(0, -1)))
}
