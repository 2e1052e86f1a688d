// The jobs of features/runs as sessions and the dispatcher use them.

import type { AgentView, Candidate } from '@ansflow/engine/pick-job'
import type { JobSecret } from '@ansflow/engine/state'
import { AppError } from '@ansflow/proto/errors'
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
  runningByShare,
  specOf,
  waitReasons,
} from '../runs/index.ts'
import type { Secrets } from '../secrets/index.ts'
import { labelBook } from './agent-labels.ts'
import { unreachableAfterMs } from './agent-status.ts'
import { agentsOf, viewOf } from './agent-tables.ts'
import type { JobQueue } from './dispatcher.ts'
import type { GivenAccess } from './given-access.ts'
import type { HeldJob, JobBook, JobSecrets, SecretInit } from './job-book.ts'
import { fewOfAProject } from './waiting-line.ts'

interface Deps {
  db: Db
  clock: Clock
  log: Logger
  driver: Pick<RunDriver, 'submit' | 'claim'>
  secrets: Pick<Secrets, 'read'>
  limits: Pick<JobLimitBook, 'all'>
}

/**
 * Lets git read a repository of the project that is cloned from this very address; undefined: there is none, or it needs nothing.
 * Throws `AppError` when its connection does not give it.
 */
export type RepositoryAccess = (asked: {
  repositoryId: string
  projectId: string
  url: string
}) => Promise<SecretInit | undefined>

type Given = Pick<Deps, 'db' | 'secrets'> & {
  access: RepositoryAccess
  /** Remembers what is given, before it is. */
  note: GivenAccess['note']
}

export function createJobBook({ driver, ...given }: Given & Pick<Deps, 'driver'>): JobBook {
  const { db } = given
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

    secrets: (jobId) => jobSecrets(given, jobId),
  }
}

/** The values a job may have: those its step declares, of its run's project, and what lets it into the run's repository. */
export async function jobSecrets({ db, secrets, access, note }: Given, jobId: string): Promise<JobSecrets> {
  const job = await jobById(db, jobId)
  if (!job || job.secrets.length === 0) return { values: [], missing: [] }
  // No such run has a job with secrets; whatever else may come to be wrong, none gets any.
  if (job.untrusted) return { values: [], missing: [], untrusted: job.secrets.map(({ name }) => name || 'git') }
  const named = job.secrets.filter(({ repository }) => repository === undefined)
  const read = await secrets.read(
    db.em(),
    { projectId: job.projectId, environmentId: environmentOf(job.secrets) },
    named.map(({ name }) => name),
  )
  const values: SecretInit[] = []
  const missing: string[] = []
  for (const { name, env } of named) {
    const value = read.get(name)
    if (value === undefined) missing.push(name)
    else values.push({ name, value, env })
  }
  const repositoryId = job.secrets.find(({ repository }) => repository !== undefined)?.repository
  const execution = repositoryId === undefined ? undefined : (await specOf(db, jobId))?.execution
  if (repositoryId === undefined || execution?.case !== 'checkout') return { values, missing }
  try {
    const own = await access({ repositoryId, projectId: job.projectId, url: execution.value.url })
    if (own) await note(jobId, own)
    return { values: own ? [...values, own] : values, missing }
  } catch (error) {
    // Whatever else goes wrong is tried again.
    if (!(error instanceof AppError)) throw error
    return { values, missing, refused: error.message }
  }
}

/** All of a step are of the same. */
function environmentOf(secrets: readonly JobSecret[]): string {
  return secrets.find(({ environment }) => environment !== undefined)?.environment ?? ''
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

    running: () => runningByShare(db),

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
