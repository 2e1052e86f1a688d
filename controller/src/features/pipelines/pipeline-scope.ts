// Finds where a pipeline belongs.
import type { EntityManager } from '../../platform/db.ts'
import type { Scope } from '../../transport/call.ts'

interface Tables {
  pipeline: { id: string; project_id: string }
  project: { id: string; organization_id: string }
}

export async function pipelineScope(em: EntityManager, pipelineId: string): Promise<Required<Scope> | undefined> {
  const row = await em
    .getKysely<Tables>()
    .selectFrom('pipeline')
    .innerJoin('project', 'project.id', 'pipeline.project_id')
    .select(['project.id as projectId', 'project.organization_id as organizationId'])
    .where('pipeline.id', '=', pipelineId)
    .executeTakeFirst()
  return row && { organizationId: row.organizationId, projectId: row.projectId }
}
