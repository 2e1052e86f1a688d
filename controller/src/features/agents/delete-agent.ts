// An agent is deleted: not while runs need it, unless somebody insists; then its jobs are lost and those runs are told why.
import { precondition } from '@ansflow/proto/errors'
import type { Agent } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { JobStatus, RunStatus } from '@ansflow/proto/status'
import type { Bus } from '../../platform/bus.ts'
import type { Db } from '../../platform/db.ts'
import { AgentEntity } from './agent.entity.ts'
import { takeLabels } from './agent-labels.ts'
import type { JobBook } from './job-book.ts'

export interface DeletionDeps {
  db: Db
  bus: Bus
  jobs: Pick<JobBook, 'submit'>
}

interface Tables {
  agent: { id: string }
  job: { id: string; run_id: string; status: number; agent_id: string; agent_name: string }
  run: { id: string; number: number; pipeline_name: string; status: number }
  workspace_pin: { run_id: string; agent_id: string }
}

/** Runs named in the refusal; more would help nobody. */
const mostNamed = 5

export async function deleteAgent({ db, bus, jobs }: DeletionDeps, agent: Agent, force: boolean): Promise<void> {
  const { id: agentId, organizationId, name } = agent
  const needing = await runsThatNeed(db, agent)
  if (needing.length > 0 && !force) {
    const more = needing.length > mostNamed ? ` and ${needing.length - mostNamed} more` : ''
    const runs = needing.slice(0, mostNamed).join(', ') + more
    const message = `These runs have not ended and need agent ${name}, for their jobs or their workspace: ${runs}. Drain it and let them end, or cancel them.`
    throw precondition('agent_needed', message, { runs, agent: name })
  }
  await db.transaction(async (em) => {
    await em.nativeDelete(AgentEntity, { id: agentId })
    await takeLabels(em, organizationId, agentId)
  })
  bus.publish('agent.changed', { agentId, organizationId })
  // The agent is gone from here on; what cannot be told to its runs just now, the next sweep tells them.
  await giveUpStranded({ db, jobs }).catch(() => undefined)
  // What is queued for one of its workspaces is found by the dispatcher.
  bus.publish('job.queued', { organizationId })
}

/** Ends the jobs of agents that are no more. */
export async function giveUpStranded({ db, jobs }: Pick<DeletionDeps, 'db' | 'jobs'>): Promise<void> {
  const stranded = await db
    .kysely<Tables>()
    .selectFrom('job')
    .select(['id', 'run_id', 'agent_id', 'agent_name'])
    .where('status', 'in', [JobStatus.OFFERED, JobStatus.ACCEPTED, JobStatus.RUNNING])
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('agent').select('agent.id').whereRef('agent.id', '=', 'job.agent_id'))),
    )
    .execute()
  for (const { id: jobId, run_id: runId, agent_id: agentId, agent_name: agentName } of stranded) {
    await jobs.submit(runId, { type: 'jobStranded', jobId, agentId, agentName })
  }
}

/** "pipeline #3" of each. */
async function runsThatNeed(db: Db, { id, jobs }: Agent): Promise<string[]> {
  const holding = await db
    .kysely<Tables>()
    .selectFrom('run')
    .innerJoin('workspace_pin as pin', 'pin.run_id', 'run.id')
    .select(['run.number', 'run.pipeline_name'])
    .where('pin.agent_id', '=', id)
    .where('run.status', '<', RunStatus.SUCCEEDED)
    .orderBy('run.id')
    .execute()
  const names = holding.map((run) => `${run.pipeline_name} #${run.number}`)
  return [...new Set([...jobs.map((job) => `${job.pipelineName} #${job.runNumber}`), ...names])]
}
