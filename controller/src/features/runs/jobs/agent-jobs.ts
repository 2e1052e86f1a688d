// The jobs that agents have, as features/agents looks at them: whom they keep busy, and whose agent is silent or gone.

import { JobSpecSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { Reason } from '@ansflow/proto/reasons'
import { JobStatus, RunStatus } from '@ansflow/proto/status'
import { fromBinary } from '@bufbuild/protobuf'
import type { Kysely } from 'kysely'
import type { Db } from '../../../platform/db.ts'
import type { RunTables } from '../run-tables.ts'

export const withAgents = [JobStatus.OFFERED, JobStatus.ACCEPTED, JobStatus.RUNNING]

/** How many of a project's jobs agents have: those that are trusted, or those of strangers. */
export async function jobsWithAgents(
  to: Kysely<RunTables>,
  { organizationId, projectId, untrusted }: { organizationId: string; projectId: string; untrusted: boolean },
): Promise<number> {
  const row = await to
    .selectFrom('job')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('organization_id', '=', organizationId)
    .where('project_id', '=', projectId)
    .where('status', 'in', withAgents)
    .where('agent_id', 'is not', null)
    .where('untrusted', '=', untrusted ? 1 : 0)
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

export interface HeldJob {
  jobId: string
  runId: string
  epoch: number
  agentId: string
  agentName: string
}

/** What these agents hold. */
export async function jobsHeldBy(db: Db, agentIds: string[]): Promise<HeldJob[]> {
  if (agentIds.length === 0) return []
  const rows = await db
    .kysely<RunTables>()
    .selectFrom('job')
    .select(['id', 'run_id', 'epoch', 'agent_id', 'agent_name'])
    .where('agent_id', 'in', agentIds)
    .where('status', 'in', withAgents)
    .execute()
  return rows.map((row) => ({
    jobId: row.id,
    runId: row.run_id,
    epoch: row.epoch,
    agentId: row.agent_id ?? '',
    agentName: row.agent_name,
  }))
}

/** The agents that hold any job, whether or not they still exist. */
export async function agentsWithJobs(db: Db): Promise<string[]> {
  const rows = await db
    .kysely<RunTables>()
    .selectFrom('job')
    .select('agent_id')
    .distinct()
    .where('status', 'in', withAgents)
    .execute()
  return rows.flatMap(({ agent_id: agentId }) => agentId ?? [])
}

/** How many jobs each agent of the organization holds. */
export async function busyAgents(db: Db, organizationId: string): Promise<Map<string, number>> {
  const rows = await db
    .kysely<RunTables>()
    .selectFrom('job')
    .select(['agent_id', (select) => select.fn.countAll<number>().as('count')])
    .where('organization_id', '=', organizationId)
    .where('status', 'in', withAgents)
    .groupBy('agent_id')
    .execute()
  return new Map(rows.map((row) => [row.agent_id ?? '', Number(row.count)]))
}

/** What these agents hold, as people see it. */
export async function shownJobs(db: Db, agentIds: string[]) {
  if (agentIds.length === 0) return []
  const rows = await db
    .kysely<RunTables>()
    .selectFrom('job')
    .innerJoin('run', 'run.id', 'job.run_id')
    .select(['job.id', 'job.run_id', 'job.step_id', 'job.project_id', 'job.agent_id', 'job.spec', 'job.started_at'])
    .select(['run.number', 'run.pipeline_name'])
    .where('job.agent_id', 'in', agentIds)
    .where('job.status', 'in', withAgents)
    .orderBy('job.id')
    .execute()
  return rows.map((row) => ({
    agentId: row.agent_id ?? '',
    jobId: row.id,
    runId: row.run_id,
    stepId: row.step_id,
    stepName: fromBinary(JobSpecSchema, row.spec).stepName,
    pipelineName: row.pipeline_name,
    runNumber: row.number,
    projectId: row.project_id,
    startedAt: row.started_at === null ? undefined : db.fromColumn(row.started_at),
  }))
}

/** Jobs under way of these agents, and all whose step says that its agent is not heard of. */
export async function jobsInSilence(
  db: Db,
  silentAgentIds: string[],
): Promise<(Pick<HeldJob, 'jobId' | 'runId' | 'epoch' | 'agentId'> & { reason: Reason | null })[]> {
  const rows = await db
    .kysely<RunTables>()
    .selectFrom('job')
    .innerJoin('run_step as step', (join) =>
      join.onRef('step.run_id', '=', 'job.run_id').onRef('step.step_id', '=', 'job.step_id'),
    )
    .select(['job.id', 'job.run_id', 'job.epoch', 'job.agent_id', 'step.reason'])
    .where('job.status', 'in', withAgents)
    .where((is) =>
      is.or([
        is('step.reason', 'like', '{"code":"unreachable"%'),
        ...(silentAgentIds.length > 0 ? [is('job.agent_id', 'in', silentAgentIds)] : []),
      ]),
    )
    .execute()
  return rows.map((row) => ({
    jobId: row.id,
    runId: row.run_id,
    epoch: row.epoch,
    agentId: row.agent_id ?? '',
    reason: row.reason === null ? null : (JSON.parse(row.reason) as Reason),
  }))
}

/** The name of an agent as the run's jobs had it: its own row may be gone. */
export async function agentNameInRun(db: Db, runId: string, agentId: string): Promise<string | undefined> {
  const row = await db
    .kysely<RunTables>()
    .selectFrom('job')
    .select('agent_name')
    .where('run_id', '=', runId)
    .where('agent_id', '=', agentId)
    .where('agent_name', '<>', '')
    .executeTakeFirst()
  return row?.agent_name
}

/** Runs under way that have a workspace with the agent. */
export async function runsPinnedTo(db: Db, agentId: string): Promise<{ pipelineName: string; number: number }[]> {
  return db
    .kysely<RunTables>()
    .selectFrom('run')
    .innerJoin('workspace_pin as pin', 'pin.run_id', 'run.id')
    .select(['run.number', 'run.pipeline_name as pipelineName'])
    .where('pin.agent_id', '=', agentId)
    .where('run.status', '<', RunStatus.SUCCEEDED)
    .orderBy('run.id')
    .execute()
}
