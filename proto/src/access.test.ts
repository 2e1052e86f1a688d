// Every rpc says what its caller needs, in words the controller knows, on a field the request has.
import { readdirSync } from 'node:fs'
import { access, Resource, Role } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import { type DescFile, type DescMethod, getOption, hasOption } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { callerKinds, isPermission, isScope, type Permission, permissions, roleHas, scopeAllows } from './access.ts'

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

  it('uses every permission that a service can check, and no role lacks what a lower one has', () => {
    for (const permission of Object.keys(permissions) as (keyof typeof permissions)[]) {
      const roles = [Role.VIEWER, Role.DEVELOPER, Role.MAINTAINER, Role.OWNER].map((role) => roleHas(role, permission))
      expect(roles).toEqual([...roles].sort())
      expect(roles.at(-1)).toBe(true)
    }
  })

  it('matches scopes', () => {
    expect(scopeAllows(['run.*'], 'run.start')).toBe(true)
    expect(scopeAllows(['run.*'], 'runner.start')).toBe(false)
    expect(scopeAllows([], 'run.start')).toBe(false)
    expect(isScope('run.*')).toBe(true)
    expect(isScope('nothing.*')).toBe(false)
  })
})

it('a role of a newer controller has nothing', () => {
  expect(Object.keys(permissions).filter((permission) => roleHas(9999 as Role, permission as Permission))).toEqual([])
})
