// Grants in the database: read for a caller, set and taken away.
import type { Role } from '@ansflow/proto/access'
import type { EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { Grant, Scope } from '../../transport/call.ts'
import { GrantEntity } from './grant.entity.ts'

interface Tables {
  access_grant: { user_id: string; organization_id: string; project_id: string | null; role: number }
}

/** On the way of every call: one indexed query, no entities. */
export async function grantsOf(em: EntityManager, userId: string): Promise<Grant[]> {
  const rows = await em
    .getKysely<Tables>()
    .selectFrom('access_grant')
    .select(['organization_id', 'project_id', 'role'])
    .where('user_id', '=', userId)
    .execute()
  return rows.map((row) => ({ organizationId: row.organization_id, projectId: row.project_id, role: row.role }))
}

/** Inside a transaction. */
export async function setGrant(em: EntityManager, userId: string, scope: Scope, role: Role, now: Date): Promise<void> {
  const scopeId = scope.projectId ?? scope.organizationId
  const changed = await em.nativeUpdate(GrantEntity, { userId, scopeId }, { role })
  if (changed > 0) return
  const { organizationId, projectId = null } = scope
  const known = await em.count(GrantEntity, { userId, scopeId })
  if (known > 0) return
  await em.insert(GrantEntity, { id: uuidv7(), userId, organizationId, projectId, scopeId, role, createdAt: now })
}

/** The grant on exactly this scope; without a project also those on all its projects. */
export function grantsWithin(scope: Scope, userId: string) {
  return scope.projectId ? { userId, scopeId: scope.projectId } : { userId, organizationId: scope.organizationId }
}

export async function removeGrants(em: EntityManager, userId: string, scope: Scope): Promise<number> {
  return em.nativeDelete(GrantEntity, grantsWithin(scope, userId))
}
