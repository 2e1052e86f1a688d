// The jobs of features/runs as sessions and the dispatcher use them.

import type { AgentView, Candidate } from '@ansflow/engine/pick-job'
import { isTerminalJob, JobStatus } from '@ansflow/proto/status'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import type { JobLimitBook } from '../projects/index.ts'
import {
  agentNameInRun,
  busyAgents,
  jobById,
  jobsOfAgent,
  organizationsWithQueuedJobs,
  queuedElsewhere,
  queuedJobs,
  type RunDriver,
  runningByProject,
  waitReasons,
} from '../runs/index.ts'
import type { Secrets } from '../secrets/index.ts'
import { labelBook } from './agent-labels.ts'
import { unreachableAfterMs } from './agent-status.ts'
import { agentsOf, viewOf } from './agent-tables.ts'
import type { JobQueue } from './dispatcher.ts'
import type { HeldJob, JobBook, SecretInit } from './job-book.ts'
import { fewOfAProject } from './waiting-line.ts'

interface Deps {
  db: Db
  clock: Clock
  log: Logger
  driver: Pick<RunDriver, 'submit' | 'claim'>
  secrets: Pick<Secrets, 'read'>
  limits: Pick<JobLimitBook, 'all'>
}

export function createJobBook({ db, driver, secrets }: Pick<Deps, 'db' | 'driver' | 'secrets'>): JobBook {
  return {
    async heldBy(agentId) {
      const jobs = await jobsOfAgent(db, agentId)
      return jobs.map(({ jobId, runId, epoch, status, offeredAt, cancelRequested }) => {
        return { jobId, runId, epoch, phase: phaseOf(status), offeredAt, cancelRequested }
      })
    },

    async find(jobId) {
      const job = await jobById(db, jobId)
      if (!job) return null
      const { runId, epoch, agentId, status, logComplete } = job
      const hasEnded = isTerminalJob(status) && status !== JobStatus.LOST
      return { runId, epoch, agentId: agentId ?? '', hasEnded, logComplete }
    },

    submit: (runId, event) => driver.submit(runId, event),

    secrets: (jobId) => jobSecrets(db, secrets, jobId),
  }
}

/** The values a job may have: those its step declares, of its run's project. */
export async function jobSecrets(
  db: Db,
  secrets: Pick<Secrets, 'read'>,
  jobId: string,
): Promise<{ values: SecretInit[]; missing: string[] }> {
  const job = await jobById(db, jobId)
  if (!job || job.secrets.length === 0) return { values: [], missing: [] }
  const read = await secrets.read(
    db.em(),
    job.projectId,
    job.secrets.map(({ name }) => name),
  )
  const values: SecretInit[] = []
  const missing: string[] = []
  for (const { name, env } of job.secrets) {
    const value = read.get(name)
    if (value === undefined) missing.push(name)
    else values.push({ name, value, env })
  }
  return { values, missing }
}

function phaseOf(status: JobStatus): HeldJob['phase'] {
  if (status === JobStatus.RUNNING) return 'running'
  return status === JobStatus.ACCEPTED ? 'accepted' : 'offered'
}

export function createJobQueue({ db, clock, log, driver, limits }: Omit<Deps, 'secrets'>): JobQueue {
  return {
    candidates: (organizationId, limit, after) => queuedJobs(db, limit, organizationId, after),
    elsewhere: (organizationId, known) =>
      queuedElsewhere(db, organizationId, known, { projects: 50, jobs: fewOfAProject }),

    labels: (organizationId) => labelBook(db, organizationId),

    limits: limits.all,

    running: () => runningByProject(db),

    claim: async ({ runId, jobId }, seat) => (await driver.claim(runId, jobId, seat)) === 'applied',

    async agents(organizationId) {
      const now = clock.now().getTime()
      const busy = await busyAgents(db, organizationId)
      const book = await labelBook(db, organizationId)
      return (await agentsOf(db, organizationId)).map((agent): AgentView => {
        const online =
          !agent.leftAt && agent.lastSeenAt !== null && now - agent.lastSeenAt.getTime() < unreachableAfterMs
        return viewOf(agent, book, { busy: busy.get(agent.id) ?? 0, online, draining: agent.draining })
      })
    },

    waitReasons: (jobIds) => waitReasons(db, jobIds),

    async waits({ runId, jobId }: Candidate, reason) {
      await driver.submit(runId, { type: 'jobWaits', jobId, reason })
    },

    async strand({ runId, jobId, pinnedAgentId }) {
      log.warn({ runId, jobId, agentId: pinnedAgentId }, 'a job needs the workspace of an agent that was deleted')
      const agentName = (await agentNameInRun(db, runId, pinnedAgentId)) ?? pinnedAgentId
      await driver.submit(runId, { type: 'jobStranded', jobId, agentId: pinnedAgentId, agentName })
    },

    organizations: () => organizationsWithQueuedJobs(db),
  }
}
