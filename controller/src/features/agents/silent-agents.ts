// Steps whose agent nobody hears of say so while it lasts: since when, and when they count as lost.

import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import { jobsInSilence } from '../runs/index.ts'
import { unreachableAfterMs } from './agent-status.ts'
import { agentTables } from './agent-tables.ts'
import type { JobBook } from './job-book.ts'

interface Deps {
  db: Db
  clock: Clock
  jobs: Pick<JobBook, 'submit'>
  lostAfterMs: number
}

/** One run of the loop. */
export function createSilenceSweep({ db, clock, jobs, lostAfterMs }: Deps): () => Promise<void> {
  return async function sweep() {
    const heardBefore = new Date(clock.now().getTime() - unreachableAfterMs)
    const agents = await agentTables(db).selectFrom('agent').select(['id', 'last_seen_at']).execute()
    const lastSeen = new Map(
      agents.flatMap((row) => (row.last_seen_at === null ? [] : [[row.id, db.fromColumn(row.last_seen_at)] as const])),
    )
    const silent = [...lastSeen].filter(([, at]) => at <= heardBefore).map(([id]) => id)
    for (const { jobId, runId, epoch, agentId, reason: said } of await jobsInSilence(db, silent)) {
      const since = lastSeen.get(agentId)
      if (!since) continue
      if (since > heardBefore) await jobs.submit(runId, { type: 'jobHeard', jobId, epoch })
      else if (said?.code !== 'unreachable' || said.params.since !== since.toISOString()) {
        const lostAt = new Date(since.getTime() + lostAfterMs)
        await jobs.submit(runId, { type: 'jobSilent', jobId, epoch, since, lostAt })
      }
    }
  }
}
