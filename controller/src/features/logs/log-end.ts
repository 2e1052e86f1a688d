// Where a log ends: it is whole, or its agent will not send the rest.
import { JobStatus } from '@ansflow/proto/status'

/** Of these agents, those that count as lost or are no more. */
export type LostAmong = (agentIds: string[]) => Promise<ReadonlySet<string>>

/** What the row of a job says of its log. */
export interface LogStanding {
  agentId: string | null
  status: JobStatus
  /** The job has ended. */
  ended: boolean
  /** All of it is stored, or it never ran and has none. */
  whole: boolean
}

export interface LogEnd {
  /** Nothing more is to be expected. */
  complete: boolean
  /** Complete without being whole. An agent that comes back all the same still adds what it has. */
  part: boolean
}

interface StandingRow {
  agent_id: string | null
  status: number
  finished_at: unknown
  log_complete: number
}

export function standingOf(row: StandingRow): LogStanding {
  const ended = row.finished_at !== null
  // What ended before any agent had it never ran.
  const whole = Boolean(row.log_complete) || (ended && row.agent_id === null)
  return { agentId: row.agent_id, status: row.status, ended, whole }
}

export async function endOf(log: LogStanding, lostAmong: LostAmong): Promise<LogEnd> {
  const { agentId, status, ended, whole } = log
  if (whole || !ended || agentId === null) return { complete: whole, part: false }
  const part = status === JobStatus.LOST || (await lostAmong([agentId])).has(agentId)
  return { complete: part, part }
}
