// Deletes a project's runs with it, unless some are under way.
import { precondition } from '@ansflow/proto/errors'
import { RunStatus } from '@ansflow/proto/status'
import type { EntityManager } from '../../platform/db.ts'
import { tables } from './run-tables.ts'

/** A project's part of being deleted, inside the transaction. Frozen graphs stay: other projects may share them. */
export async function deleteRunsOf(em: EntityManager, projectId: string): Promise<void> {
  const db = tables(em)
  const active = await db
    .selectFrom('run')
    .select('id')
    .where('project_id', '=', projectId)
    .where('status', 'in', [RunStatus.WAITING, RunStatus.BLOCKED, RunStatus.QUEUED, RunStatus.RUNNING])
    .limit(1)
    .executeTakeFirst()
  if (active) throw precondition('runs_active', 'Runs of the project are under way. Cancel them first.')
  const runs = db.selectFrom('run').select('id').where('project_id', '=', projectId)
  const pipelines = db.selectFrom('run').select('pipeline_id').where('project_id', '=', projectId)
  await db.deleteFrom('run_step').where('run_id', 'in', runs).execute()
  await db.deleteFrom('run_event').where('run_id', 'in', runs).execute()
  await db.deleteFrom('workspace_pin').where('run_id', 'in', runs).execute()
  await db.deleteFrom('run_counter').where('pipeline_id', 'in', pipelines).execute()
  await db.deleteFrom('job').where('project_id', '=', projectId).execute()
  await db.deleteFrom('run').where('project_id', '=', projectId).execute()
}
