// The agents nobody hears of: shown unreachable soon, their jobs given up after `lostAfterMs`. A controller or a database
// that was away is not an agent that is lost, so the count begins anew after either.

import type { AgentStatus } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import { jobsHeldBy } from '../runs/index.ts'
import { agentStatus, heartbeatMs, unreachableAfterMs } from './agent-status.ts'
import { agentTables, knownAmong } from './agent-tables.ts'
import type { JobBook } from './job-book.ts'

interface Deps {
  db: Db
  bus: Bus
  clock: Clock
  log: Logger
  jobs: Pick<JobBook, 'submit'>
  lostAfterMs: number
}

export const lostSweepMs = heartbeatMs
/** One run of the loop; it remembers between runs. */
export interface LostSweep {
  (): Promise<void>
  /** Of these agents, those that count as lost now or are no more. */
  lostAmong(agentIds: string[]): Promise<ReadonlySet<string>>
}

export function createLostSweep({ db, bus, clock, log, jobs, lostAfterMs }: Deps): LostSweep {
  /** Those whose jobs were given up at the last run. */
  let lost = new Set<string>()
  let watchingSince: number | null = null
  let lastRun = 0
  const shown = new Map<string, AgentStatus>()

  return Object.assign(sweep, { lostAmong })

  async function sweep(): Promise<void> {
    const now = clock.now()
    // Asleep, stopped or without a database for a while: who was silent meanwhile may have been speaking. A database that can
    // be read but takes no heartbeats makes every agent look silent.
    if (now.getTime() - lastRun > unreachableAfterMs || !(await db.writable())) watchingSince = null
    let silent: string[]
    try {
      silent = await look(now)
    } catch (error) {
      watchingSince = null
      throw error
    }
    lastRun = now.getTime()
    watchingSince ??= lastRun
    const isSure = lastRun - watchingSince >= lostAfterMs
    lost = new Set(isSure ? silent : [])
    if (isSure) await giveUp(silent)
  }

  async function lostAmong(agentIds: string[]): Promise<ReadonlySet<string>> {
    const known = new Set(await knownAmong(db, agentIds))
    return new Set(agentIds.filter((id) => lost.has(id) || !known.has(id)))
  }

  /** Tells of agents whose status changed by silence alone; answers those silent for too long. */
  async function look(now: Date): Promise<string[]> {
    const rows = await agentTables(db)
      .selectFrom('agent')
      .select(['id', 'organization_id', 'last_seen_at', 'left_at'])
      .execute()
    const silent: string[] = []
    for (const row of rows) {
      const lastSeenAt = row.last_seen_at === null ? null : db.fromColumn(row.last_seen_at)
      const leftAt = row.left_at === null ? null : db.fromColumn(row.left_at)
      const status = agentStatus({ lastSeenAt, leftAt }, now, lostAfterMs)
      const before = shown.get(row.id)
      shown.set(row.id, status)
      if (before !== undefined && before !== status) {
        bus.publish('agent.changed', { agentId: row.id, organizationId: row.organization_id })
      }
      if (!lastSeenAt || now.getTime() - lastSeenAt.getTime() >= lostAfterMs) silent.push(row.id)
    }
    if (shown.size > rows.length) {
      const known = new Set(rows.map((row) => row.id))
      for (const id of shown.keys()) if (!known.has(id)) shown.delete(id)
    }
    return silent
  }

  async function giveUp(agentIds: string[]): Promise<void> {
    for (const { jobId, runId, epoch, agentId } of await jobsHeldBy(db, agentIds)) {
      log.warn({ jobId, runId, agentId }, 'a job is lost: its agent is silent')
      await jobs.submit(runId, { type: 'jobLost', jobId, epoch })
    }
  }
}
