// Which queued job an agent gets next: the first it may run, by priority, then fairness between projects, then age.

export interface Candidate {
  jobId: string
  runId: string
  projectId: string
  organizationId: string
  /** Higher goes first. */
  priority: number
  queuedAt: Date
  availableAt: Date
  labels: readonly string[]
  /** Of an untrusted run: it goes only where such ones are taken. */
  untrusted: boolean
  /** Words with spaces between. */
  capability: string
  workspace: string
  /** Agent that holds the job's workspace in its run; empty: none yet. */
  pinnedAgentId: string
}

export interface AgentView {
  id: string
  name: string
  organizationId: string
  /** Those that count. */
  labels: readonly string[]
  /** Those it says of itself although they protect: they do not count. */
  claims: readonly string[]
  capabilities: readonly string[]
  /** It takes jobs of untrusted runs too. */
  takesUntrusted: boolean
  slots: number
  /** Jobs it has been offered or runs. */
  busy: number
  online: boolean
  draining: boolean
}

/** Steps in this workspace start empty, on any agent. */
export const isolatedWorkspace = 'isolated'

/** Whether the agent could ever run the job, were it online and free. */
export function fits(agent: AgentView, job: Candidate): boolean {
  return (
    agent.organizationId === job.organizationId &&
    (agent.takesUntrusted || !job.untrusted) &&
    lackedCapability(agent, job) === undefined &&
    job.labels.every((label) => agent.labels.includes(label))
  )
}

/** The first that the job asks for and the agent does not have. */
export function lackedCapability(
  { capabilities }: Pick<AgentView, 'capabilities'>,
  { capability }: Pick<Candidate, 'capability'>,
): string | undefined {
  // Of most jobs it is one word; this is asked of every job for every agent.
  if (capabilities.includes(capability)) return undefined
  return capability.split(' ').find((word) => !capabilities.includes(word))
}

/** Whether it may go to no other agent than the one that holds its workspace. */
export function isPinned({ workspace, pinnedAgentId }: Candidate): boolean {
  return pinnedAgentId !== '' && workspace !== isolatedWorkspace
}

function mayHave(agent: AgentView, job: Candidate): boolean {
  return fits(agent, job) && (!isPinned(job) || job.pinnedAgentId === agent.id)
}

export function takesOffers(agent: AgentView): boolean {
  return agent.online && !agent.draining && agent.busy < agent.slots
}

type Belongs = Pick<Candidate, 'projectId' | 'untrusted'>

/** How many jobs agents have now, by `shareOf`. */
export type Running = ReadonlyMap<string, number>

/** What a job is counted with: strangers hold up and take the place of nobody but strangers. */
export function shareOf({ projectId, untrusted }: Belongs): string {
  return untrusted ? `untrusted: ${projectId}` : projectId
}

/** How many jobs of a project agents may have at once, and as many of strangers; projects that are not there have no limit. */
export type JobLimits = ReadonlyMap<string, number>

export const noLimits: JobLimits = new Map()

export function isAtLimit(job: Belongs, running: Running, limits: JobLimits): boolean {
  const limit = limits.get(job.projectId)
  return limit !== undefined && (running.get(shareOf(job)) ?? 0) >= limit
}

export function pickJob(
  agent: AgentView,
  jobs: Iterable<Candidate>,
  running: Running,
  now: Date,
  limits: JobLimits = noLimits,
): Candidate | undefined {
  if (!takesOffers(agent)) return undefined
  let best: Candidate | undefined
  for (const job of jobs) {
    if (job.availableAt > now || !mayHave(agent, job) || isAtLimit(job, running, limits)) continue
    if (!best || goesBefore(job, best, running)) best = job
  }
  return best
}

function goesBefore(a: Candidate, b: Candidate, running: Running): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority
  const share = has(a, running) - has(b, running)
  if (share !== 0) return share < 0
  const age = a.queuedAt.getTime() - b.queuedAt.getTime()
  return age !== 0 ? age < 0 : a.jobId < b.jobId
}

/** What its project has already. Those of strangers are nothing to a job that is trusted; for theirs all of it counts. */
function has(job: Belongs, running: Running): number {
  const trusted = running.get(job.projectId) ?? 0
  return job.untrusted ? trusted + (running.get(shareOf(job)) ?? 0) : trusted
}
