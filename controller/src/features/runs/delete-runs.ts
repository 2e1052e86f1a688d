// Deletes a project's runs with it, unless some are under way.
import { precondition } from '@ansflow/proto/errors'
import { RunStatus } from '@ansflow/proto/status'
import { sql } from 'kysely'
import type { EntityManager } from '../../platform/db.ts'
import { deleteRows } from '../../platform/delete-rows.ts'
import { tables } from './run-tables.ts'

/** A project's part of being deleted, inside the transaction. */
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
  const graphs = new Set<string>()
  for await (const runs of runsOf(em, projectId)) {
    const hashes = await db.selectFrom('run').select('graph_hash').distinct().where('id', 'in', runs).execute()
    for (const { graph_hash } of hashes) graphs.add(graph_hash)
    const ofThem = sql`run_id in (${sql.join(runs)})`
    for (const table of ['run_step', 'run_event', 'workspace_pin', 'work', 'job'] as const)
      await deleteRows(db, table, ofThem)
  }
  await deleteRows(db, 'run', sql`project_id = ${projectId}`)
  for (const hash of graphs) {
    // Runs of other projects may have the same.
    const unused = sql`not exists (select 1 from run where graph_hash = ${hash})`
    await deleteRows(db, 'run_graph', sql`hash = ${hash} and ${unused}`)
  }
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
