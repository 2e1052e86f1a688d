// Finds the organization a call is about.
import { invalidField } from '@ansflow/proto/errors'
import type { EntityManager } from '../../platform/db.ts'
import { isId } from '../../platform/ids.ts'
import type { Caller, Scope } from '../../transport/call.ts'
import { OrganizationEntity } from './organization.entity.ts'

/** An empty id is the caller's only organization. */
export async function organizationScope(em: EntityManager, id: string, caller: Caller): Promise<Scope | undefined> {
  if (id === '') {
    const own = caller.kind === 'user' ? [...new Set(caller.grants.map((grant) => grant.organizationId))] : []
    if (own.length > 1) throw invalidField('organization_id', 'is needed: you belong to several organizations')
    return own[0] === undefined ? undefined : { organizationId: own[0] }
  }
  if (caller.kind === 'user' && caller.grants.some((grant) => grant.organizationId === id))
    return { organizationId: id }
  if (!isId(id) || (await em.count(OrganizationEntity, { id })) === 0) return undefined
  return { organizationId: id }
}
