// Finds the project a call is about, by id, or by slug where the caller has but one such project.
import { grantsOn } from '@ansflow/proto/access'
import type { EntityManager } from '../../platform/db.ts'
import { isId } from '../../platform/ids.ts'
import type { Caller, ProjectScope } from '../../transport/call.ts'

interface Tables {
  project: { id: string; organization_id: string; slug: string }
}

export async function projectScope(em: EntityManager, id: string, caller: Caller): Promise<ProjectScope | undefined> {
  const rows = await em
    .getKysely<Tables>()
    .selectFrom('project')
    .select(['id', 'organization_id'])
    .where(isId(id) ? 'id' : 'slug', '=', id)
    .limit(50)
    .execute()
  const scopes = rows.map((row) => ({ organizationId: row.organization_id, projectId: row.id }))
  if (isId(id)) return scopes[0]
  const own = caller.kind === 'user' ? scopes.filter((scope) => grantsOn(caller.grants, scope).length > 0) : []
  return own.length === 1 ? own[0] : undefined
}
