// The job table as a queue: what waits, the claim by conditional update, and what an agent has.
import { type JobSpec, JobSpecSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { JobStatus } from '@ansflow/proto/status'
import { fromBinary } from '@bufbuild/protobuf'
import { SqliteDriver } from '@mikro-orm/sql'
import { type Kysely, type RawBuilder, sql } from 'kysely'
import { type Candidate, isolatedWorkspace } from '../../engine/pick-job.ts'
import type { Reason } from '../../engine/reasons.ts'
import type { EntityManager } from '../../platform/db.ts'
import type { RunTables, Time } from './run-tables.ts'

export interface ClaimedJob {
  jobId: string
  epoch: number
  runId: string
  stepId: string
  attempt: number
  projectId: string
  organizationId: string
  spec: JobSpec
}

/** A job that an agent has been offered, has accepted or runs. */
export interface AgentJob {
  jobId: string
  epoch: number
  runId: string
  stepId: string
  attempt: number
  status: JobStatus
  cancelRequested: boolean
}

const withAgents = [JobStatus.OFFERED, JobStatus.ACCEPTED, JobStatus.RUNNING]

/** The database's clock: offers are compared with nothing else, whatever the controllers' clocks say. */
export function databaseNow(em: EntityManager, secondsAgo = 0): RawBuilder<Time> {
  return em.getDriver() instanceof SqliteDriver
    ? sql<Time>`cast((unixepoch('subsec') - ${secondsAgo}) * 1000 as integer)`
    : sql<Time>`utc_timestamp(3) - interval ${secondsAgo} second`
}

export function tables(em: EntityManager): Kysely<RunTables> {
  return em.getKysely<RunTables>()
}

/** Jobs that wait for an agent, of one organization or all, those with priority and the oldest first. */
export async function queuedJobs(em: EntityManager, limit: number, organizationId?: string): Promise<Candidate[]> {
  const rows = await tables(em)
    .selectFrom('job')
    .leftJoin('workspace_pin as pin', (join) =>
      join.onRef('pin.run_id', '=', 'job.run_id').onRef('pin.workspace', '=', 'job.workspace'),
    )
    .select(['job.id', 'job.run_id', 'job.project_id', 'job.organization_id', 'job.priority', 'job.created_at'])
    .select(['job.available_at', 'job.labels', 'job.capability', 'job.workspace', 'pin.agent_id as pinned'])
    .where('job.status', '=', JobStatus.QUEUED)
    .$if(organizationId !== undefined, (query) => query.where('job.organization_id', '=', organizationId ?? ''))
    .orderBy('job.priority', 'desc')
    .orderBy('job.created_at')
    .orderBy('job.id')
    .limit(limit)
    .execute()
  return rows.map((row) => ({
    jobId: row.id,
    runId: row.run_id,
    projectId: row.project_id,
    organizationId: row.organization_id,
    priority: row.priority,
    queuedAt: toDate(row.created_at),
    availableAt: toDate(row.available_at),
    labels: JSON.parse(row.labels) as string[],
    capability: row.capability,
    workspace: row.workspace,
    pinnedAgentId: row.pinned ?? '',
  }))
}

function toDate(value: unknown): Date {
  if (value instanceof Date) return value
  return new Date(typeof value === 'number' ? value : `${String(value).replace(' ', 'T')}Z`)
}

export async function organizationsWithQueuedJobs(em: EntityManager): Promise<string[]> {
  const rows = await tables(em)
    .selectFrom('job')
    .select('organization_id')
    .distinct()
    .where('status', '=', JobStatus.QUEUED)
    .execute()
  return rows.map((row) => row.organization_id)
}

/** What was last said about why these jobs wait. */
export async function waitReasons(em: EntityManager, jobIds: string[]): Promise<Map<string, Reason>> {
  if (jobIds.length === 0) return new Map()
  const rows = await tables(em)
    .selectFrom('job')
    .innerJoin('run_step as step', (join) =>
      join.onRef('step.run_id', '=', 'job.run_id').onRef('step.step_id', '=', 'job.step_id'),
    )
    .select(['job.id', 'step.reason'])
    .where('job.id', 'in', jobIds)
    .execute()
  return new Map(rows.flatMap((row) => (row.reason ? [[row.id, JSON.parse(row.reason) as Reason]] : [])))
}

/** Jobs that each project has with agents: what fairness goes by. */
export async function runningByProject(em: EntityManager): Promise<Map<string, number>> {
  const rows = await tables(em)
    .selectFrom('job')
    .select(['project_id', (select) => select.fn.countAll<number>().as('count')])
    .where('status', 'in', withAgents)
    .groupBy('project_id')
    .execute()
  return new Map(rows.map((row) => [row.project_id, Number(row.count)]))
}

/**
 * Gives a queued job to an agent, with the next epoch, and its workspace with it. Null: someone else got the job or holds the
 * workspace, or it was canceled. Call it inside a transaction, tell the driver by `jobOffered`, then offer.
 */
export async function claimJob(
  em: EntityManager,
  jobId: string,
  agentId: string,
  agentName = '',
): Promise<ClaimedJob | null> {
  if (!em.isInTransaction())
    return em.transactional((inner) => claimJob(inner as EntityManager, jobId, agentId, agentName))
  const db = tables(em)
  const job = await db
    .selectFrom('job')
    .select(['run_id', 'workspace', 'step_id', 'attempt', 'project_id', 'organization_id', 'spec', 'epoch'])
    .where('id', '=', jobId)
    .where('status', '=', JobStatus.QUEUED)
    .executeTakeFirst()
  if (!job) return null
  const pin = { run_id: job.run_id, workspace: job.workspace, agent_id: agentId }
  const pinned = job.workspace === isolatedWorkspace ? 'free' : await pinWorkspace(em, pin)
  if (pinned === 'taken') return null
  const claimed = await db
    .updateTable('job')
    .set({
      status: JobStatus.OFFERED,
      epoch: job.epoch + 1,
      agent_id: agentId,
      agent_name: agentName,
      offered_at: databaseNow(em),
    })
    .where('id', '=', jobId)
    .where('status', '=', JobStatus.QUEUED)
    .where('epoch', '=', job.epoch)
    .executeTakeFirst()
  if (claimed.numUpdatedRows !== 1n) {
    if (pinned === 'new')
      await db
        .deleteFrom('workspace_pin')
        .where('run_id', '=', pin.run_id)
        .where('workspace', '=', pin.workspace)
        .execute()
    return null
  }
  return {
    jobId,
    epoch: job.epoch + 1,
    runId: job.run_id,
    stepId: job.step_id,
    attempt: job.attempt,
    projectId: job.project_id,
    organizationId: job.organization_id,
    spec: fromBinary(JobSpecSchema, job.spec),
  }
}

async function pinWorkspace(em: EntityManager, pin: RunTables['workspace_pin']): Promise<'new' | 'own' | 'taken'> {
  const db = tables(em)
  const insert = db.insertInto('workspace_pin').values(pin)
  const sqlite = em.getDriver() instanceof SqliteDriver
  const { numInsertedOrUpdatedRows } = await (sqlite
    ? insert.onConflict((conflict) => conflict.doNothing())
    : insert.ignore()
  ).executeTakeFirst()
  if (numInsertedOrUpdatedRows === 1n) return 'new'
  const holder = await db
    .selectFrom('workspace_pin')
    .select('agent_id')
    .where('run_id', '=', pin.run_id)
    .where('workspace', '=', pin.workspace)
    .executeTakeFirst()
  return holder?.agent_id === pin.agent_id ? 'own' : 'taken'
}

/** Everything an agent should know of, for reconciling and for telling it again what to cancel. */
export async function jobsOfAgent(em: EntityManager, agentId: string): Promise<AgentJob[]> {
  const rows = await tables(em)
    .selectFrom('job')
    .select(['id', 'epoch', 'run_id', 'step_id', 'attempt', 'status', 'cancel_requested'])
    .where('agent_id', '=', agentId)
    .where('status', 'in', withAgents)
    .execute()
  return rows.map((row) => ({
    jobId: row.id,
    epoch: row.epoch,
    runId: row.run_id,
    stepId: row.step_id,
    attempt: row.attempt,
    status: row.status,
    cancelRequested: Boolean(row.cancel_requested),
  }))
}

/** Where a job is and what it may have: for starting it, and for reports that name nothing but the job. */
export async function jobById(em: EntityManager, jobId: string) {
  const row = await tables(em)
    .selectFrom('job')
    .select([
      'id',
      'epoch',
      'run_id',
      'step_id',
      'attempt',
      'status',
      'agent_id',
      'project_id',
      'organization_id',
      'secrets',
    ])
    .where('id', '=', jobId)
    .executeTakeFirst()
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
    /** Names, and whether each goes into the environment. */
    secrets: JSON.parse(row.secrets) as { name: string; env: boolean }[],
  }
}
