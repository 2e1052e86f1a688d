// Every rpc says what its caller needs, in words the controller knows, on a field the request has.
import { readdirSync } from 'node:fs'
import { access, Resource, Role } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import { type DescFile, type DescMethod, getOption, hasOption } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import {
  builtInRoles,
  callerKinds,
  can,
  type Grant,
  isPermission,
  isScope,
  mayGive,
  mostOf,
  permissions,
  permissionsOf,
  roleIdOf,
  scopeAllows,
  wireRole,
} from './access.ts'

async function methods(): Promise<DescMethod[]> {
  const root = new URL('./gen/', import.meta.url)
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('_pb.js'))
  const files = await Promise.all(
    names.map(async (name) => {
      const module: Record<string, unknown> = await import(new URL(name, root).href)
      return Object.values(module).find((value): value is DescFile => (value as { kind?: string })?.kind === 'file')!
    }),
  )
  // Health and reflection are gRPC's own and open to everyone.
  const ours = files.filter((file) => file.proto.package.startsWith('ansflow.'))
  return ours.flatMap((file) => file.services).flatMap((service) => service.methods)
}

const all = await methods()

describe('access', () => {
  it('sees every service', () => {
    expect(new Set(all.map((method) => method.parent.name)).size).toBeGreaterThanOrEqual(8)
  })

  it.each(all.map((method) => [`${method.parent.typeName}/${method.name}`, method] as const))('%s', (_, method) => {
    expect(hasOption(method, access)).toBe(true)
    const { permission, resource, field } = getOption(method, access)
    if (callerKinds.includes(permission)) {
      expect(resource).toBe(Resource.UNSPECIFIED)
      return
    }
    expect(isPermission(permission)).toBe(true)
    expect(resource).not.toBe(Resource.UNSPECIFIED)
    const named = method.input.fields.find((each) => each.name === field)
    expect(named?.fieldKind).toBe('scalar')
  })

  it('asks somewhere for every permission there is', () => {
    const asked = new Set(all.map((method) => getOption(method, access).permission))
    expect(permissions.filter((permission) => !asked.has(permission))).toEqual([])
  })

  it('matches scopes', () => {
    expect(scopeAllows(['run.*'], 'run.start')).toBe(true)
    expect(scopeAllows(['run.*'], 'runner.start')).toBe(false)
    expect(scopeAllows([], 'run.start')).toBe(false)
    expect(isScope('run.*')).toBe(true)
    expect(isScope('nothing.*')).toBe(false)
  })
})

describe('roles', () => {
  it('are what they are: an owner may do everything, a viewer only reads', () => {
    const sets = builtInRoles.map((role) => role.permissions)
    for (const [i, lower] of sets.slice(0, -1).entries()) {
      expect([...lower].filter((permission) => !sets[i + 1]!.has(permission))).toEqual([])
      expect(lower.size).toBeLessThan(sets[i + 1]!.size)
    }
    expect([...permissionsOf('owner')].sort()).toEqual([...permissions].sort())
    expect([...permissionsOf('viewer')].every((permission) => permission.endsWith('.read'))).toBe(true)
  })

  it('have a word each in the contract', () => {
    for (const { id } of builtInRoles) expect(roleIdOf(wireRole(id))).toBe(id)
    expect([Role.VIEWER, Role.DEVELOPER, Role.MAINTAINER, Role.OWNER].map(roleIdOf)).toEqual(
      builtInRoles.map(({ id }) => id),
    )
    expect([wireRole('another'), roleIdOf(Role.UNSPECIFIED), roleIdOf(9999 as Role)]).toEqual([
      Role.UNSPECIFIED,
      '',
      '',
    ])
  })

  it('have nothing where this program does not know them', () => {
    expect([...permissionsOf('of a newer controller')]).toEqual([])
  })
})

describe('can', () => {
  const on = (kind: 'organization' | 'project', id: string, ...allowed: string[]): Grant => ({
    organizationId: 'o',
    on: { kind, id },
    roleId: 'any',
    permissions: new Set(allowed),
  })
  const everything = ['*']

  it('is allowed by a grant on the thing or on what it lies in, and by no other', () => {
    const grants = [on('organization', 'o', 'run.read'), on('project', 'p', 'run.start')]
    const ask = (permission: 'run.read' | 'run.start' | 'run.cancel', projectId?: string) =>
      can({ grants, scopes: everything }, permission, { organizationId: 'o', ...(projectId && { projectId }) })
    expect([ask('run.read'), ask('run.read', 'p'), ask('run.read', 'q')]).toEqual([true, true, true])
    expect([ask('run.start'), ask('run.start', 'p'), ask('run.start', 'q')]).toEqual([false, true, false])
    expect(ask('run.cancel', 'p')).toBe(false)
    expect(can({ grants, scopes: everything }, 'run.read', { organizationId: 'other' })).toBe(false)
    // An id says nothing without its kind.
    expect(
      can({ grants: [on('project', 'o', 'run.read')], scopes: everything }, 'run.read', { organizationId: 'o' }),
    ).toBe(false)
  })

  it('adds up what several grants allow, and takes away what a token may not use', () => {
    const grants = [on('organization', 'o', 'run.read'), on('project', 'p', 'run.start')]
    const scope = { organizationId: 'o', projectId: 'p' }
    expect(can({ grants, scopes: ['run.*'] }, 'run.start', scope)).toBe(true)
    expect(can({ grants, scopes: ['run.start'] }, 'run.read', scope)).toBe(false)
    expect(can({ grants, scopes: [] }, 'run.read', scope)).toBe(false)
  })

  it('lets nobody give what they do not have themselves', () => {
    const organization = { organizationId: 'o' }
    const maintainer = { grants: [on('organization', 'o', ...permissionsOf('maintainer'))], scopes: everything }
    expect(builtInRoles.filter(({ id }) => mayGive(maintainer, id, organization)).map(({ id }) => id)).toEqual([
      'viewer',
      'developer',
      'maintainer',
    ])
    expect(mayGive({ ...maintainer, scopes: ['member.*'] }, 'viewer', organization)).toBe(false)
    expect(mayGive(maintainer, 'viewer', { organizationId: 'other' })).toBe(false)
  })

  it('shows of several roles the one that allows most', () => {
    expect(mostOf([{ roleId: 'viewer' }, { roleId: 'maintainer' }, { roleId: 'unknown' }])?.roleId).toBe('maintainer')
  })
})
