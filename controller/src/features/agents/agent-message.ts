// Agents as the contract shows them.
import { type Agent, type AgentJobSchema, AgentSchema } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { Db } from '../../platform/db.ts'
import { shownJobs } from '../runs/index.ts'
import { type LabelBook, labelBook } from './agent-labels.ts'
import { agentStatus } from './agent-status.ts'
import type { KnownAgent } from './agent-tables.ts'

type JobInit = MessageInitShape<typeof AgentJobSchema>

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
      takesUntrusted: agent.takesUntrusted,
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
  const jobs = new Map<string, JobInit[]>()
  for (const { agentId, startedAt, ...shown } of await shownJobs(db, agentIds)) {
    const job = { ...shown, ...(startedAt && { startedAt: timestampFromDate(startedAt) }) }
    const list = jobs.get(agentId)
    if (list) list.push(job)
    else jobs.set(agentId, [job])
  }
  return jobs
}
