// Agents as the contract shows them.
import { JobSpecSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { type Agent, type AgentJobSchema, AgentSchema } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { JobStatus } from '@ansflow/proto/status'
import { create, fromBinary, type MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { Db } from '../../platform/db.ts'
import { type LabelBook, labelBook } from './agent-labels.ts'
import { agentStatus } from './agent-status.ts'
import type { KnownAgent } from './agent-tables.ts'

type JobInit = MessageInitShape<typeof AgentJobSchema>

interface Tables {
  job: {
    id: string
    run_id: string
    step_id: string
    project_id: string
    status: number
    agent_id: string
    spec: Uint8Array
    started_at: number | string | null
  }
  run: { id: string; number: number; pipeline_name: string }
}

/** The agents with the jobs they hold. */
export async function agentMessages(db: Db, agents: KnownAgent[], now: Date, lostAfterMs: number): Promise<Agent[]> {
  const jobs = await jobsOf(
    db,
    agents.map(({ id }) => id),
  )
  const books = new Map<string, LabelBook>()
  for (const { organizationId } of agents) {
    if (!books.has(organizationId)) books.set(organizationId, await labelBook(db, organizationId))
  }
  return agents.map((agent) =>
    create(AgentSchema, {
      id: agent.id,
      organizationId: agent.organizationId,
      name: agent.name,
      status: agentStatus(agent, now, lostAfterMs),
      draining: agent.draining,
      labels: books.get(agent.organizationId)?.sort(agent).labels ?? [],
      assignedLabels: books.get(agent.organizationId)?.givenTo(agent.id) ?? [],
      reportedLabels: agent.reported,
      slots: agent.slots,
      version: agent.version,
      host: agent.host,
      registeredAt: timestampFromDate(agent.registeredAt),
      jobs: jobs.get(agent.id) ?? [],
      ...(agent.load ? { load: agent.load } : {}),
      ...(agent.doubledAt ? { doubledSince: timestampFromDate(agent.doubledAt) } : {}),
      ...(agent.lastSeenAt ? { lastSeenAt: timestampFromDate(agent.lastSeenAt) } : {}),
    }),
  )
}

async function jobsOf(db: Db, agentIds: string[]): Promise<Map<string, JobInit[]>> {
  if (agentIds.length === 0) return new Map()
  const rows = await db
    .kysely<Tables>()
    .selectFrom('job')
    .innerJoin('run', 'run.id', 'job.run_id')
    .select(['job.id', 'job.run_id', 'job.step_id', 'job.project_id', 'job.agent_id', 'job.spec', 'job.started_at'])
    .select(['run.number', 'run.pipeline_name'])
    .where('job.agent_id', 'in', agentIds)
    .where('job.status', 'in', [JobStatus.OFFERED, JobStatus.ACCEPTED, JobStatus.RUNNING])
    .orderBy('job.id')
    .execute()
  const jobs = new Map<string, JobInit[]>()
  for (const row of rows) {
    const job: JobInit = {
      jobId: row.id,
      runId: row.run_id,
      stepId: row.step_id,
      stepName: fromBinary(JobSpecSchema, row.spec).stepName,
      pipelineName: row.pipeline_name,
      runNumber: row.number,
      projectId: row.project_id,
      ...(row.started_at === null ? {} : { startedAt: timestampFromDate(db.fromColumn(row.started_at)) }),
    }
    const list = jobs.get(row.agent_id)
    if (list) list.push(job)
    else jobs.set(row.agent_id, [job])
  }
  return jobs
}
