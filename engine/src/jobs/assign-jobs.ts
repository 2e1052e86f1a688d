// Which free agents get which of the jobs that wait.
import {
  type AgentView,
  type Candidate,
  isolatedWorkspace,
  type JobLimits,
  noLimits,
  pickJob,
  shareOf,
} from './pick-job.ts'

export interface Assignment {
  job: Candidate
  agentId: string
}

/**
 * Takes what it gives out of `jobs`, and counts it in the agents' `busy` and in `running`. One job an agent a round, so that work
 * spreads before it piles up.
 */
export function assignJobs(
  agents: readonly AgentView[],
  jobs: Map<string, Candidate>,
  running: Map<string, number>,
  now: Date,
  limits: JobLimits = noLimits,
): Assignment[] {
  const assignments: Assignment[] = []
  for (let gave = true; gave; ) {
    gave = false
    for (const agent of agents.toSorted((a, b) => a.busy - b.busy)) {
      const job = pickJob(agent, jobs.values(), running, now, limits)
      if (!job) continue
      jobs.delete(job.jobId)
      agent.busy++
      const share = shareOf(job)
      running.set(share, (running.get(share) ?? 0) + 1)
      pinOthers(jobs, job, agent.id)
      assignments.push({ job, agentId: agent.id })
      gave = true
    }
  }
  return assignments
}

/** The first job of a workspace decides where the others of the run go. */
function pinOthers(jobs: Map<string, Candidate>, first: Candidate, agentId: string): void {
  if (first.workspace === isolatedWorkspace || first.pinnedAgentId) return
  for (const job of jobs.values()) {
    if (job.runId === first.runId && job.workspace === first.workspace) job.pinnedAgentId = agentId
  }
}

/**
 * The same for jobs that nothing else waits beside, when it can be said without knowing what runs: with jobs of several shares
 * only if all of them go.
 */
export function assignAlone(
  agents: readonly AgentView[],
  jobs: ReadonlyMap<string, Candidate>,
  now: Date,
): Assignment[] {
  const assignments = assignJobs(agents, new Map(jobs), new Map(), now)
  return assignments.length === jobs.size || isOfOneShare(jobs.values()) ? assignments : []
}

/** What runs besides makes no difference between them then. */
export function isOfOneShare(jobs: Iterable<Candidate>): boolean {
  const shares = new Set<string>()
  for (const job of jobs) if (shares.add(shareOf(job)).size > 1) return false
  return true
}
