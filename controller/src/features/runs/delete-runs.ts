// Deletes a project's runs with it, unless some are under way.
import { precondition } from '@ansflow/proto/errors'
import { RunStatus } from '@ansflow/proto/status'
import { sql } from 'kysely'
import type { EntityManager } from '../../platform/db.ts'
import { deleteRows } from '../../platform/delete-rows.ts'
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
  const pipelines = db.selectFrom('run').select('pipeline_id').where('project_id', '=', projectId)
  await deleteRows(db, 'run_counter', sql`pipeline_id in ${pipelines}`)
  for await (const runs of runsOf(em, projectId)) {
    const ofThem = sql`run_id in (${sql.join(runs)})`
    for (const table of ['run_step', 'run_event', 'workspace_pin', 'work', 'job'] as const)
      await deleteRows(db, table, ofThem)
  }
  await deleteRows(db, 'run', sql`project_id = ${projectId}`)
}

const runsAtATime = 100

/** The ids of a project's runs, some at a time. */
export async function* runsOf(em: EntityManager, projectId: string): AsyncGenerator<string[]> {
  for (let last = ''; ; ) {
    const rows = await tables(em)
      .selectFrom('run')
      .select('id')
      .where('project_id', '=', projectId)
      .where('id', '>', last)
      .orderBy('id')
      .limit(runsAtATime)
      .execute()
    if (rows.length === 0) return
    yield rows.map(({ id }) => id)
    last = rows.at(-1)!.id
  }
}
