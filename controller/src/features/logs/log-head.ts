// How much of a job's log is stored: two columns of the job's row, moved only from the value one has seen.
import { statement } from '../../platform/statement.ts'
import { type LogStanding, standingOf } from './log-end.ts'
import type { LogKysely, LogTables } from './log-tables.ts'

export interface LogHead extends LogStanding {
  jobId: string
  runId: string
  epoch: number
  size: number
  /** Whether values may have to be masked in it. */
  hasSecrets: boolean
}

export async function readHead(db: LogKysely, jobId: string): Promise<LogHead | null> {
  const row = await head.first(db, { jobId })
  return row
    ? {
        jobId: row.id,
        runId: row.run_id,
        epoch: row.epoch,
        size: Number(row.log_size),
        ...standingOf(row),
        hasSecrets: row.secrets !== '[]',
      }
    : null
}

const head = statement<LogTables, { jobId: string }>()((db, { jobId }) =>
  db
    .selectFrom('job')
    .select(['id', 'run_id', 'agent_id', 'status', 'finished_at', 'epoch', 'log_size', 'log_complete', 'secrets'])
    .where('id', '=', jobId),
)

/** False: another stream wrote meanwhile. */
export async function moveHead(
  db: LogKysely,
  jobId: string,
  from: number,
  to: { size: number; complete: boolean },
): Promise<boolean> {
  return (await headMove.changed(db, { jobId, from, size: to.size, complete: to.complete ? 1 : 0 })) === 1n
}

const headMove = statement<LogTables, { jobId: string; from: number; size: number; complete: number }>()(
  (db, { jobId, from, size, complete }) =>
    db
      .updateTable('job')
      .set({ log_size: size, log_complete: complete })
      .where('id', '=', jobId)
      .where('log_size', '=', from)
      .where('log_complete', '=', 0),
)
