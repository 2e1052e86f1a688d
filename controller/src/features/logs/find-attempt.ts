// From what people name (run, step, attempt) to the job that has the log.
import { notFound } from '@ansflow/proto/errors'
import type { Db } from '../../platform/db.ts'
import type { LogTables } from './log-tables.ts'

export interface AttemptLog {
  jobId: string
  attempt: number
  size: number
  complete: boolean
}

/** `attempt` 0 is the newest. Throws when there is none. */
export async function findAttempt(db: Db, runId: string, stepId: string, attempt: number): Promise<AttemptLog> {
  let query = db
    .kysely<LogTables>()
    .selectFrom('job')
    .select(['id', 'attempt', 'log_size', 'log_complete'])
    .where('run_id', '=', runId)
    .where('step_id', '=', stepId)
  if (attempt > 0) query = query.where('attempt', '=', attempt)
  const row = await query.orderBy('attempt', 'desc').limit(1).executeTakeFirst()
  if (!row) throw notFound('attempt', attempt > 0 ? `${stepId} #${attempt}` : stepId)
  return { jobId: row.id, attempt: row.attempt, size: Number(row.log_size), complete: Boolean(row.log_complete) }
}
