// The job table as a queue: what waits, and what an agent has.

import { type Candidate, shareOf } from '@ansflow/engine/pick-job'
import type { JobSecret } from '@ansflow/engine/state'
import { type JobSpec, JobSpecSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { Reason } from '@ansflow/proto/reasons'
import { JobStatus } from '@ansflow/proto/status'
import { fromBinary } from '@bufbuild/protobuf'
import type { Kysely, SelectQueryBuilder } from 'kysely'
import type { Db } from '../../../platform/db.ts'
import { statement } from '../../../platform/statement.ts'
import type { RunTables } from '../run-tables.ts'
import { withAgents } from './agent-jobs.ts'

/** A job that an agent has been offered, has accepted or runs. */
export interface AgentJob {
  jobId: string
  epoch: number
  runId: string
  stepId: string
  attempt: number
  status: JobStatus
  offeredAt: Date
  cancelRequested: boolean
}

/**
 * Jobs of an organization that wait for an agent, those with priority and the oldest first; `after`: behind this one. One priority after
 * the other, so that the first are found in the index without looking at all that wait.
 */
export async function queuedJobs(
  db: Db,
  limit: number,
  organizationId: string,
  after?: Candidate,
): Promise<Candidate[]> {
  const tables = db.kysely<RunTables>()
  const found: Candidate[] = []
  let priority = after?.priority ?? (await highest.first(tables, { organizationId, below: mostPriority }))?.priority
  for (let from = after; typeof priority === 'number'; from = undefined) {
    const where = { limit: limit - found.length, organizationId, priority }
    const { rows } = await (from
      ? queuedAfter.execute(tables, { ...where, createdAt: db.toColumn(from.queuedAt), jobId: from.jobId })
      : queuedOf.execute(tables, where))
    found.push(...rows.map((row) => candidateOf(db, row)))
    if (rows.length === where.limit) break
    priority = (await highest.first(tables, { organizationId, below: priority }))?.priority
  }
  return found
}

type QueuedRow = Pick<RunTables['job'], (typeof queuedColumns)[number]> & { pinned: string | null }

function candidateOf(db: Db, row: QueuedRow): Candidate {
  return {
    jobId: row.id,
    runId: row.run_id,
    projectId: row.project_id,
    organizationId: row.organization_id,
    priority: row.priority,
    queuedAt: db.fromColumn(row.created_at),
    availableAt: db.fromColumn(row.available_at),
    labels: JSON.parse(row.labels) as string[],
    untrusted: Boolean(row.untrusted),
    capability: row.capability,
    workspace: row.workspace,
    pinnedAgentId: row.pinned ?? '',
  }
}

const mostPriority = 2 ** 31 - 1
const queuedColumns = [
  ...(['id', 'run_id', 'project_id', 'organization_id', 'priority', 'created_at'] as const),
  ...(['available_at', 'labels', 'untrusted', 'capability', 'workspace'] as const),
]
const jobColumns = queuedColumns.map((column) => `job.${column}` as const)

const highest = statement<RunTables, { organizationId: string; below: number }>()((db, { organizationId, below }) =>
  db
    .selectFrom('job')
    .select('priority')
    .where('status', '=', JobStatus.QUEUED)
    .where('organization_id', '=', organizationId)
    .where('priority', '<', below)
    .orderBy('priority', 'desc')
    .limit(1),
)

type Queued = SelectQueryBuilder<RunTables, 'job', object>
interface OfPriority {
  limit: number
  organizationId: string
  priority: number
}

/** `which` narrows the jobs that wait, of which first the first are found, and then their rows read. */
function inOrder(
  db: Kysely<RunTables>,
  { limit, organizationId, priority }: OfPriority,
  which: (jobs: Queued) => Queued = (jobs) => jobs,
) {
  const waiting = db
    .selectFrom('job')
    .where('status', '=', JobStatus.QUEUED)
    .where('organization_id', '=', organizationId)
    .where('priority', '=', priority)
  return withPins(db, which(waiting).select('id').orderBy('created_at').orderBy('id').limit(limit))
}

/** The rows of those, with the agents that have their workspaces. */
function withPins(db: Kysely<RunTables>, first: SelectQueryBuilder<RunTables, 'job', { id: string }>) {
  return db
    .selectFrom(first.as('first'))
    .innerJoin('job', 'job.id', 'first.id')
    .leftJoin('workspace_pin as pin', (join) =>
      join.onRef('pin.run_id', '=', 'job.run_id').onRef('pin.workspace', '=', 'job.workspace'),
    )
    .select(jobColumns)
    .select('pin.agent_id as pinned')
    .orderBy('job.created_at')
    .orderBy('job.id')
}

/**
 * The first jobs of each project that has some waiting, but for the projects that are known: behind ten thousand jobs of one project
 * nobody would read those of another.
 */
export async function queuedElsewhere(
  db: Db,
  organizationId: string,
  known: ReadonlySet<string>,
  { projects, jobs }: { projects: number; jobs: number },
): Promise<Candidate[]> {
  const tables = db.kysely<RunTables>()
  const found: Candidate[] = []
  let after = ''
  for (let read = 0; read < projects; ) {
    const next = await nextProject.first(tables, { organizationId, after })
    if (!next) break
    after = next.project_id
    if (known.has(after)) continue
    read++
    const { rows } = await queuedOfProject.execute(tables, { organizationId, projectId: after, limit: jobs })
    found.push(...rows.map((row) => candidateOf(db, row)))
  }
  return found
}

const nextProject = statement<RunTables, { organizationId: string; after: string }>()((db, { organizationId, after }) =>
  db
    .selectFrom('job')
    .select('project_id')
    .where('status', '=', JobStatus.QUEUED)
    .where('organization_id', '=', organizationId)
    .where('project_id', '>', after)
    .orderBy('project_id')
    .limit(1),
)

const queuedOfProject = statement<RunTables, { organizationId: string; projectId: string; limit: number }>()(
  (db, { organizationId, projectId, limit }) =>
    withPins(
      db,
      db
        .selectFrom('job')
        .select('id')
        .where('status', '=', JobStatus.QUEUED)
        .where('organization_id', '=', organizationId)
        .where('project_id', '=', projectId)
        .orderBy('priority', 'desc')
        .orderBy('created_at')
        .orderBy('id')
        .limit(limit),
    ),
)

const queuedOf = statement<RunTables, OfPriority>()((db, place) => inOrder(db, place))
const queuedAfter = statement<RunTables, OfPriority & { createdAt: number | string; jobId: string }>()((db, place) =>
  inOrder(db, place, (jobs) =>
    jobs
      .where('created_at', '>=', place.createdAt)
      .where(({ eb, or }) => or([eb('created_at', '>', place.createdAt), eb('id', '>', place.jobId)])),
  ),
)

export async function organizationsWithQueuedJobs(db: Db): Promise<string[]> {
  const rows = await db
    .kysely<RunTables>()
    .selectFrom('job')
    .select('organization_id')
    .distinct()
    .where('status', '=', JobStatus.QUEUED)
    .execute()
  return rows.map((row) => row.organization_id)
}

/** What was last said about why these jobs wait. */
export async function waitReasons(db: Db, jobIds: string[]): Promise<Map<string, Reason>> {
  if (jobIds.length === 0) return new Map()
  const rows = await db
    .kysely<RunTables>()
    .selectFrom('job')
    .innerJoin('run_step as step', (join) =>
      join.onRef('step.run_id', '=', 'job.run_id').onRef('step.step_id', '=', 'job.step_id'),
    )
    .select(['job.id', 'step.reason'])
    .where('job.id', 'in', jobIds)
    .execute()
  return new Map(rows.flatMap((row) => (row.reason ? [[row.id, JSON.parse(row.reason) as Reason]] : [])))
}

/** Jobs that each project has with agents, by `shareOf`: what fairness and limits go by. */
export async function runningByShare(db: Db): Promise<Map<string, number>> {
  const { rows } = await running.execute(db.kysely<RunTables>(), {})
  return new Map(
    rows.map((row) => [shareOf({ projectId: row.project_id, untrusted: Boolean(row.untrusted) }), Number(row.count)]),
  )
}

const running = statement<RunTables, object>()((db) =>
  db
    .selectFrom('job')
    .select(['project_id', 'untrusted', (select) => select.fn.countAll<number>().as('count')])
    .where('status', 'in', withAgents)
    .where('agent_id', 'is not', null)
    .groupBy(['project_id', 'untrusted']),
)

/** Everything an agent should know of, for reconciling and for telling it again what to cancel. */
export async function jobsOfAgent(db: Db, agentId: string): Promise<AgentJob[]> {
  const { rows } = await ofAgent.execute(db.kysely<RunTables>(), { agentId })
  return rows.map((row) => ({
    jobId: row.id,
    epoch: row.epoch,
    runId: row.run_id,
    stepId: row.step_id,
    attempt: row.attempt,
    status: row.status,
    offeredAt: db.fromColumn(row.offered_at ?? row.created_at),
    cancelRequested: Boolean(row.cancel_requested),
  }))
}

const ofAgent = statement<RunTables, { agentId: string }>()((db, { agentId }) =>
  db
    .selectFrom('job')
    .select(['id', 'epoch', 'run_id', 'step_id', 'attempt', 'status', 'cancel_requested', 'offered_at', 'created_at'])
    .where('agent_id', '=', agentId)
    .where('status', 'in', withAgents),
)

/** Where a job is and what it may have: for starting it, and for reports that name nothing but the job. */
export async function jobById(db: Db, jobId: string) {
  const row = await byId.first(db.kysely<RunTables>(), { jobId })
  if (!row) return undefined
  return {
    jobId: row.id,
    epoch: row.epoch,
    runId: row.run_id,
    stepId: row.step_id,
    attempt: row.attempt,
    status: row.status as JobStatus,
    agentId: row.agent_id,
    projectId: row.project_id,
    organizationId: row.organization_id,
    logComplete: Boolean(row.log_complete),
    secrets: JSON.parse(row.secrets) as JobSecret[],
    untrusted: Boolean(row.untrusted),
  }
}

/** What its agent is asked to do; undefined: there is no such job. */
export async function specOf(db: Db, jobId: string): Promise<JobSpec | undefined> {
  const row = await db.kysely<RunTables>().selectFrom('job').select('spec').where('id', '=', jobId).executeTakeFirst()
  return row && fromBinary(JobSpecSchema, row.spec)
}

const byId = statement<RunTables, { jobId: string }>()((db, { jobId }) =>
  db
    .selectFrom('job')
    .select(['id', 'epoch', 'run_id', 'step_id', 'attempt', 'status', 'agent_id'])
    .select(['project_id', 'organization_id', 'secrets', 'untrusted', 'log_complete'])
    .where('id', '=', jobId),
)
