// Finds where a pipeline belongs.
import type { EntityManager } from '../../platform/db.ts'
import type { ProjectScope } from '../../transport/call.ts'
import { organizationOfProject } from '../projects/index.ts'

interface Tables {
  pipeline: { id: string; project_id: string }
}

export async function pipelineScope(em: EntityManager, pipelineId: string): Promise<ProjectScope | undefined> {
  const row = await em
    .getKysely<Tables>()
    .selectFrom('pipeline')
    .select('project_id as projectId')
    .where('id', '=', pipelineId)
    .executeTakeFirst()
  const organizationId = row && (await organizationOfProject(em, row.projectId))
  return row && organizationId ? { organizationId, projectId: row.projectId } : undefined
}
