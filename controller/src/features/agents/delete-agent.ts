// An agent is deleted: not while runs need it, unless somebody insists; then its jobs are lost and those runs are told why.
import { precondition } from '@ansflow/proto/errors'
import type { Agent } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import type { Bus } from '../../platform/bus.ts'
import type { Db } from '../../platform/db.ts'
import type { CallContext } from '../../transport/call.ts'
import { agentsWithJobs, jobsHeldBy, runsPinnedTo } from '../runs/index.ts'
import { AgentEntity } from './agent.entity.ts'
import { takeLabels } from './agent-labels.ts'
import { knownAmong } from './agent-tables.ts'
import type { JobBook } from './job-book.ts'

export interface DeletionDeps {
  db: Db
  bus: Bus
  jobs: Pick<JobBook, 'submit'>
}

/** Runs named in the refusal; more would help nobody. */
const mostNamed = 5

export async function deleteAgent(
  { db, bus, jobs }: DeletionDeps,
  change: CallContext['change'],
  agent: Agent,
  force: boolean,
): Promise<void> {
  const { id: agentId, organizationId, name } = agent
  const needing = await runsThatNeed(db, agent)
  if (needing.length > 0 && !force) {
    const more = needing.length > mostNamed ? ` and ${needing.length - mostNamed} more` : ''
    const runs = needing.slice(0, mostNamed).join(', ') + more
    const message = `These runs have not ended and need agent ${name}, for their jobs or their workspace: ${runs}. Drain it and let them end, or cancel them.`
    throw precondition('agent_needed', message, { runs, agent: name })
  }
  await change(async (em) => {
    await em.nativeDelete(AgentEntity, { id: agentId })
    await takeLabels(em, organizationId, agentId)
    return { result: undefined, resource: { kind: 'agent', id: agentId, name }, before: { name }, after: { force } }
  })
  bus.publish('agent.changed', { agentId, organizationId })
  // The agent is gone from here on; what cannot be told to its runs just now, the next sweep tells them.
  await giveUpStranded({ db, jobs }).catch(() => undefined)
  // What is queued for one of its workspaces is found by the dispatcher.
  bus.publish('job.queued', { organizationId })
}

/** Ends the jobs of agents that are no more. */
export async function giveUpStranded({ db, jobs }: Pick<DeletionDeps, 'db' | 'jobs'>): Promise<void> {
  const holders = await agentsWithJobs(db)
  const known = new Set(await knownAmong(db, holders))
  const stranded = await jobsHeldBy(
    db,
    holders.filter((id) => !known.has(id)),
  )
  for (const { jobId, runId, agentId, agentName } of stranded) {
    await jobs.submit(runId, { type: 'jobStranded', jobId, agentId, agentName })
  }
}

/** "pipeline #3" of each. */
async function runsThatNeed(db: Db, { id, jobs }: Agent): Promise<string[]> {
  const names = (await runsPinnedTo(db, id)).map((run) => `${run.pipelineName} #${run.number}`)
  return [...new Set([...jobs.map((job) => `${job.pipelineName} #${job.runNumber}`), ...names])]
}
