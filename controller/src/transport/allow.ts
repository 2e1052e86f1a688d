// The right of a caller to one named thing, at every door: where it belongs, and whether they can.
import type { Permission, Scope } from '@ansflow/proto/access'
import { notFound } from '@ansflow/proto/errors'
import { Resource } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import type { EntityManager } from '../platform/db.ts'
import type { Caller, Rights } from './call.ts'

/** Answers where the thing with this id belongs. Throws when the caller has no such right on it, or there is none. */
export type Allow = (
  em: EntityManager,
  caller: Caller,
  permission: Permission,
  resource: Resource,
  id: string,
) => Promise<Scope>

/** What a route or a topic asks for: the permission on the thing whose id is a part of its path. */
export interface PathAccess {
  permission: Permission
  resource: Resource
  /** "runId" for ":runId". */
  param: string
}

/** Throws as `Allow` does. */
export function allowPath(
  allow: Allow,
  em: EntityManager,
  caller: Caller,
  { permission, resource, param }: PathAccess,
  params: Record<string, string>,
): Promise<Scope> {
  return allow(em, caller, permission, resource, params[param] ?? '')
}

export function createAllow(rights: Rights): Allow {
  return async (em, caller, permission, resource, id) => {
    const noun = (Resource[resource] ?? 'thing').toLowerCase()
    const scope = await rights.resolve[resource]?.(em, id, caller)
    if (!scope) throw notFound(noun, id)
    rights.authorize(caller, permission, scope, { noun, id })
    return scope
  }
}
