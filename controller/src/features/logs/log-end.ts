// Where a log ends: it is whole, or its agent will not send the rest.
import { JobStatus } from '@ansflow/proto/status'
import type { JobLog } from '../runs/index.ts'

/** Of these agents, those that count as lost or are no more. */
export type LostAmong = (agentIds: string[]) => Promise<ReadonlySet<string>>

/** All of it is stored, or it never ran and has none. */
export function isWhole({ complete, ended, agentId }: JobLog): boolean {
  // What ended before any agent had it never ran.
  return complete || (ended && agentId === null)
}

export interface LogEnd {
  /** Nothing more is to be expected. */
  complete: boolean
  /** Complete without being whole. An agent that comes back all the same still adds what it has. */
  part: boolean
}

export async function endOf(log: JobLog, lostAmong: LostAmong): Promise<LogEnd> {
  const { agentId, status, ended } = log
  const whole = isWhole(log)
  if (whole || !ended || agentId === null) return { complete: whole, part: false }
  const part = status === JobStatus.LOST || (await lostAmong([agentId])).has(agentId)
  return { complete: part, part }
}
