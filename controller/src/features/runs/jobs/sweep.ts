// Looks for runs that are due and queued work that nobody was told of.

import type { RunEvent } from '@ansflow/engine/state'
import { JobStatus, RunStatus } from '@ansflow/proto/status'
import type { Db } from '../../../platform/db.ts'
import type { RunTables } from '../run-tables.ts'
import { organizationsWithQueuedJobs } from './job-queue.ts'

const most = 500

export interface Due {
  events: { runId: string; event: RunEvent }[]
  /** Those that have queued jobs. */
  organizations: string[]
  /** Runs that have not ended although they have neither job nor timer nor anything they await. */
  stuck: string[]
}

export async function findDue(db: Db, now: Date): Promise<Due> {
  const rows = db.kysely<RunTables>()
  const active = [RunStatus.QUEUED, RunStatus.RUNNING]
  const due = await rows
    .selectFrom('run')
    .select('id')
    .where('status', 'in', [...active, RunStatus.WAITING])
    .where('wake_at', '<=', db.toColumn(now))
    .limit(most)
    .execute()
  const stuck = await rows
    .selectFrom('run')
    .select('id')
    .where('status', 'in', active)
    .where('wake_at', 'is', null)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('job').select('job.id').whereRef('job.run_id', '=', 'run.id').where('job.status', 'in', open),
        ),
      ),
    )
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('run_step')
            .select('step_id')
            .whereRef('run_step.run_id', '=', 'run.id')
            .where('run_step.phase', '=', 'awaiting'),
        ),
      ),
    )
    .limit(most)
    .execute()
  const timer = { type: 'timer' } as const
  const begin = { type: 'started' } as const
  return {
    events: [
      ...due.map(({ id }) => ({ runId: id, event: timer })),
      ...stuck.map(({ id }) => ({ runId: id, event: begin })),
    ],
    organizations: await organizationsWithQueuedJobs(db),
    stuck: stuck.map(({ id }) => id),
  }
}

const open = [JobStatus.QUEUED, JobStatus.OFFERED, JobStatus.ACCEPTED, JobStatus.RUNNING]
