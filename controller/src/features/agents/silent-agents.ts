// Steps whose agent nobody hears of say so while it lasts: since when, and when they count as lost.

import type { Reason } from '@ansflow/proto/reasons'
import { JobStatus } from '@ansflow/proto/status'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import { unreachableAfterMs } from './agent-status.ts'
import type { AgentTable } from './agent-tables.ts'
import type { JobBook } from './job-book.ts'

interface Deps {
  db: Db
  clock: Clock
  jobs: Pick<JobBook, 'submit'>
  lostAfterMs: number
}

interface Tables {
  agent: AgentTable
  job: { id: string; run_id: string; step_id: string; epoch: number; status: number; agent_id: string }
  run_step: { run_id: string; step_id: string; reason: string | null }
}

/** One run of the loop. */
export function createSilenceSweep({ db, clock, jobs, lostAfterMs }: Deps): () => Promise<void> {
  return async function sweep() {
    const heardBefore = new Date(clock.now().getTime() - unreachableAfterMs)
    const rows = await db
      .kysely<Tables>()
      .selectFrom('job')
      .innerJoin('agent', 'agent.id', 'job.agent_id')
      .innerJoin('run_step as step', (join) =>
        join.onRef('step.run_id', '=', 'job.run_id').onRef('step.step_id', '=', 'job.step_id'),
      )
      .select(['job.id', 'job.run_id', 'job.epoch', 'agent.last_seen_at', 'step.reason'])
      .where('job.status', 'in', [JobStatus.ACCEPTED, JobStatus.RUNNING])
      .where((is) =>
        is.or([
          is('agent.last_seen_at', '<=', db.toColumn(heardBefore)),
          is('step.reason', 'like', '{"code":"unreachable"%'),
        ]),
      )
      .execute()
    for (const { id: jobId, run_id, epoch, last_seen_at, reason } of rows) {
      if (last_seen_at === null) continue
      const since = db.fromColumn(last_seen_at)
      const said = reason ? (JSON.parse(reason) as Reason) : null
      if (since > heardBefore) await jobs.submit(run_id, { type: 'jobHeard', jobId, epoch })
      else if (said?.code !== 'unreachable' || said.params.since !== since.toISOString()) {
        const lostAt = new Date(since.getTime() + lostAfterMs)
        await jobs.submit(run_id, { type: 'jobSilent', jobId, epoch, since, lostAt })
      }
    }
  }
}
