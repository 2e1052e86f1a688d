// What the job table says of logs: how much of each is stored, moved only from the value one has seen. The bytes are with
// features/logs.
import type { ReusedFrom } from '@ansflow/engine/state'
import type { JobStatus } from '@ansflow/proto/status'
import type { Kysely, SelectQueryBuilder } from 'kysely'
import type { Db, EntityManager } from '../../../platform/db.ts'
import { statement } from '../../../platform/statement.ts'
import { runsOf } from '../delete-runs.ts'
import { type RunTables, tables } from '../run-tables.ts'

export interface JobLog {
  jobId: string
  runId: string
  attempt: number
  epoch: number
  agentId: string | null
  status: JobStatus
  /** The job has ended. */
  ended: boolean
  size: number
  /** The agent has said that this is all. */
  complete: boolean
  /** Whether values may have to be masked in it. */
  hasSecrets: boolean
  /** It may be given what lets it into a repository, which is none of them. */
  hasAccess: boolean
}

const columns = [
  ...(['id', 'run_id', 'attempt', 'epoch', 'agent_id', 'status', 'finished_at'] as const),
  ...(['log_size', 'log_complete', 'secrets'] as const),
]

function toLog(row: Pick<RunTables['job'], (typeof columns)[number]>): JobLog {
  return {
    jobId: row.id,
    runId: row.run_id,
    attempt: row.attempt,
    epoch: row.epoch,
    agentId: row.agent_id,
    status: row.status,
    ended: row.finished_at !== null,
    size: Number(row.log_size),
    complete: Boolean(row.log_complete),
    hasSecrets: row.secrets !== '[]',
    hasAccess: row.secrets.includes('"repository":'),
  }
}

export async function jobLog(db: Db, jobId: string): Promise<JobLog | null> {
  const row = await byId.first(db.kysely<RunTables>(), { jobId })
  return row ? toLog(row) : null
}

const byId = statement<RunTables, { jobId: string }>()((db, { jobId }) =>
  db.selectFrom('job').select(columns).where('id', '=', jobId),
)

export async function jobLogs(db: Db, jobIds: string[]): Promise<JobLog[]> {
  const rows = await db.kysely<RunTables>().selectFrom('job').select(columns).where('id', 'in', jobIds).execute()
  return rows.map(toLog)
}

/** Of one attempt of a step; 0 is the newest. */
export async function attemptLog(
  db: Db,
  { runId, stepId, attempt }: { runId: string; stepId: string; attempt: number },
): Promise<JobLog | null> {
  let query = db
    .kysely<RunTables>()
    .selectFrom('job')
    .select(columns)
    .where('run_id', '=', runId)
    .where('step_id', '=', stepId)
  if (attempt > 0) query = query.where('attempt', '=', attempt)
  const row = await query.orderBy('attempt', 'desc').limit(1).executeTakeFirst()
  if (row) return toLog(row)
  // It was not run here, but there.
  const reused = await reusedIn.first(db.kysely<RunTables>(), { runId, stepId })
  if (!reused?.reused) return null
  const from = JSON.parse(reused.reused) as ReusedFrom
  return attemptLog(db, { runId: from.runId, stepId, attempt })
}

const reusedIn = statement<RunTables, { runId: string; stepId: string }>()((db, { runId, stepId }) =>
  db.selectFrom('run_step').select('reused').where('run_id', '=', runId).where('step_id', '=', stepId),
)

/** Inside a transaction. False: another stream wrote meanwhile. */
export async function moveJobLog(
  em: EntityManager,
  jobId: string,
  from: number,
  to: { size: number; complete: boolean },
): Promise<boolean> {
  return (await move.changed(tables(em), { jobId, from, size: to.size, complete: to.complete ? 1 : 0 })) === 1n
}

const move = statement<RunTables, { jobId: string; from: number; size: number; complete: number }>()(
  (db, { jobId, from, size, complete }) =>
    db
      .updateTable('job')
      .set({ log_size: size, log_complete: complete })
      .where('id', '=', jobId)
      .where('log_size', '=', from)
      .where('log_complete', '=', 0),
)

/** The ids of a project's jobs as sub-selects, each of some runs: for what is deleted with them, before they are. */
export async function* jobsOf(
  em: EntityManager,
  projectId: string,
): AsyncGenerator<SelectQueryBuilder<RunTables, 'job', { id: string }>> {
  const db: Kysely<RunTables> = tables(em)
  for await (const runs of runsOf(em, projectId)) yield db.selectFrom('job').select('id').where('run_id', 'in', runs)
}
