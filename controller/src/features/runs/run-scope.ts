// Finds where a run belongs.
import type { EntityManager } from '../../platform/db.ts'
import type { ProjectScope } from '../../transport/call.ts'
import { tables } from './run-tables.ts'

export async function runScope(em: EntityManager, runId: string): Promise<ProjectScope | undefined> {
  const row = await tables(em)
    .selectFrom('run')
    .select(['organization_id as organizationId', 'project_id as projectId'])
    .where('id', '=', runId)
    .executeTakeFirst()
  return row && { organizationId: row.organizationId, projectId: row.projectId }
}
