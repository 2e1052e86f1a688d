// How much of a job's log is stored: two columns of the job's row, moved only from the value one has seen.
import type { LogKysely } from './log-tables.ts'

export interface LogHead {
  jobId: string
  runId: string
  agentId: string | null
  epoch: number
  size: number
  complete: boolean
}

const columns = ['id', 'run_id', 'agent_id', 'epoch', 'log_size', 'log_complete'] as const

export async function readHead(db: LogKysely, jobId: string): Promise<LogHead | null> {
  const row = await db.selectFrom('job').select(columns).where('id', '=', jobId).executeTakeFirst()
  return row
    ? {
        jobId: row.id,
        runId: row.run_id,
        agentId: row.agent_id,
        epoch: row.epoch,
        size: Number(row.log_size),
        complete: Boolean(row.log_complete),
      }
    : null
}

/** False: another stream wrote meanwhile. */
export async function moveHead(
  db: LogKysely,
  jobId: string,
  from: number,
  to: { size: number; complete: boolean },
): Promise<boolean> {
  const result = await db
    .updateTable('job')
    .set({ log_size: to.size, log_complete: to.complete ? 1 : 0 })
    .where('id', '=', jobId)
    .where('log_size', '=', from)
    .where('log_complete', '=', 0)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}
