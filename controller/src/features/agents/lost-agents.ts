// The agents nobody hears of: shown unreachable soon, their jobs given up after `lostAfterMs`. A controller or a database
// that was away is not an agent that is lost, so the count begins anew after either.

import type { AgentStatus } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { JobStatus } from '@ansflow/proto/status'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import { agentStatus, heartbeatMs, unreachableAfterMs } from './agent-status.ts'
import type { AgentTables } from './agent-tables.ts'
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
interface Tables extends AgentTables {
  job: { id: string; run_id: string; epoch: number; status: number; agent_id: string | null }
}

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
    const rows = await db.kysely<Tables>().selectFrom('agent').select('id').where('id', 'in', agentIds).execute()
    const known = new Set(rows.map(({ id }) => id))
    return new Set(agentIds.filter((id) => lost.has(id) || !known.has(id)))
  }

  /** Tells of agents whose status changed by silence alone; answers those silent for too long. */
  async function look(now: Date): Promise<string[]> {
    const rows = await db
      .kysely<Tables>()
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
    if (agentIds.length === 0) return
    const held = await db
      .kysely<Tables>()
      .selectFrom('job')
      .select(['id', 'run_id', 'epoch', 'agent_id'])
      .where('agent_id', 'in', agentIds)
      .where('status', 'in', [JobStatus.OFFERED, JobStatus.ACCEPTED, JobStatus.RUNNING])
      .execute()
    for (const job of held) {
      log.warn({ jobId: job.id, runId: job.run_id, agentId: job.agent_id }, 'a job is lost: its agent is silent')
      await jobs.submit(job.run_id, { type: 'jobLost', jobId: job.id, epoch: job.epoch })
    }
  }
}
