// Brings queued jobs to free agents of this controller: a pass an organization, as soon as something may fit, never two at
// once. Jobs that stay queued after it get the reason they wait for.
import { explainWait } from '@ansflow/engine/explain'
import { type AgentView, type Candidate, isolatedWorkspace, isPinned, pickJob } from '@ansflow/engine/pick-job'
import { type Reason, sameReason } from '@ansflow/proto/reasons'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/log.ts'
import { LabelBook } from './agent-labels.ts'
import type { AgentSession } from './agent-session.ts'
import { viewOf } from './agent-tables.ts'
import type { OfferedJob } from './job-book.ts'

/** The job table as the dispatcher uses it. */
export interface JobQueue {
  /** Queued jobs, the first to go first, at most `limit`. */
  candidates(organizationId: string, limit: number): Promise<Candidate[]>
  /** What people have given to the organization's agents. */
  labels(organizationId: string): Promise<LabelBook>
  /** Jobs on agents by project. */
  running(): Promise<Map<string, number>>
  /** Conditional, all in one commit: null for a job that is not queued any more. */
  claim(assignments: Assignment[]): Promise<(OfferedJob | null)[]>
  /** Every agent of the organization with its jobs counted, wherever it is connected. */
  agents(organizationId: string): Promise<AgentView[]>
  /** What was last said about why each of these jobs waits. */
  waitReasons(jobIds: string[]): Promise<Map<string, Reason>>
  waits(job: Candidate, reason: Reason): Promise<void>
  /** The agent that holds its workspace is no more. */
  strand(job: Candidate): Promise<void>
  /** Organizations with queued jobs. */
  organizations(): Promise<string[]>
}

export interface Assignment {
  job: Candidate
  agent: { id: string; name: string }
}

export interface Dispatcher {
  /** Jobs have been queued, or an agent can do more than before. */
  wake(organizationId: string): void
  /** An agent has a slot again: of interest only while jobs wait. */
  freed(organizationId: string): void
  /** For what no event told: looks at every organization with queued jobs. */
  sweep(): Promise<void>
  stop(): Promise<void>
}

interface Deps {
  queue: JobQueue
  sessions(): Iterable<AgentSession>
  clock: Clock
  log: Logger
}

/** Jobs looked at in one pass; the next pass sees what is behind them. */
const page = 500
/** Explanations wait this long after the last pass: a burst of short jobs is not worth explaining. */
const explainAfterMs = 200

export function createDispatcher({ queue, sessions, clock, log }: Deps): Dispatcher {
  const wanted = new Set<string>()
  /** Organizations whose last pass left nothing queued. */
  const drained = new Set<string>()
  const passing = new Map<string, Promise<void>>()
  const explaining = new Map<string, () => void>()
  const delayed = new Map<string, () => void>()
  let stopped = false

  function wake(organizationId: string): void {
    if (stopped) return
    drained.delete(organizationId)
    wanted.add(organizationId)
    if (!passing.has(organizationId)) passing.set(organizationId, passes(organizationId))
  }

  async function passes(organizationId: string): Promise<void> {
    while (wanted.delete(organizationId) && !stopped) {
      try {
        await pass(organizationId)
      } catch (error) {
        log.error({ err: error, organizationId }, 'dispatching failed; the next sweep tries again')
        break
      }
    }
    passing.delete(organizationId)
    explainSoon(organizationId)
  }

  function freeSessions(organizationId: string): AgentSession[] {
    return [...sessions()].filter((session) => session.takesOffers && session.agent?.organizationId === organizationId)
  }

  async function pass(organizationId: string): Promise<void> {
    if (freeSessions(organizationId).length === 0) return
    const jobs = new Map((await queue.candidates(organizationId, page)).map((job) => [job.jobId, job]))
    if (jobs.size === 0) return noneLeft(organizationId)
    const full = jobs.size === page
    // Read after the jobs: who protects a label and then starts a run must not see it go to another agent.
    const asked = [...jobs.values()].some(({ labels }) => labels.length > 0)
    const book = asked ? await queue.labels(organizationId) : new LabelBook()
    const assignments = assign(freeSessions(organizationId), book, jobs, await queue.running(), clock.now())
    lookAgainAt(organizationId, jobs.values())
    if (assignments.length === 0) return
    const claims = await queue.claim(
      assignments.map(({ job, session }) => ({ job, agent: { id: session.agentId, name: session.agent?.name ?? '' } })),
    )
    for (const [i, offered] of claims.entries()) if (offered) assignments[i]?.session.offer(offered)
    // Lost claims leave slots free, and behind a full page there may be jobs for them.
    if (full || claims.includes(null)) wanted.add(organizationId)
    else if (jobs.size === 0) noneLeft(organizationId)
  }

  function noneLeft(organizationId: string): void {
    // Wanted again already: something was queued behind what this pass has seen.
    if (!wanted.has(organizationId)) drained.add(organizationId)
  }

  /** A job that may not be offered before some moment gets a pass then. */
  function lookAgainAt(organizationId: string, jobs: Iterable<Candidate>): void {
    const now = clock.now().getTime()
    let next = Number.POSITIVE_INFINITY
    for (const { availableAt } of jobs) if (availableAt.getTime() > now) next = Math.min(next, availableAt.getTime())
    delayed.get(organizationId)?.()
    delayed.delete(organizationId)
    if (next < Number.POSITIVE_INFINITY) {
      delayed.set(
        organizationId,
        clock.setTimer(next - now, () => wake(organizationId)),
      )
    }
  }

  function explainSoon(organizationId: string): void {
    if (stopped || explaining.has(organizationId)) return
    const cancel = clock.setTimer(explainAfterMs, () => {
      explaining.delete(organizationId)
      explain(organizationId).catch((error: unknown) => {
        log.warn({ err: error, organizationId }, 'waiting jobs could not be explained')
      })
    })
    explaining.set(organizationId, cancel)
  }

  async function explain(organizationId: string): Promise<void> {
    const jobs = await queue.candidates(organizationId, page)
    if (jobs.length === 0) return
    const agents = await queue.agents(organizationId)
    const said = await queue.waitReasons(jobs.map(({ jobId }) => jobId))
    const now = clock.now()
    for (const job of jobs) {
      if (stopped) return
      if (job.availableAt > now) continue
      if (isPinned(job) && !agents.some(({ id }) => id === job.pinnedAgentId)) {
        await queue.strand(job)
        continue
      }
      const reason = explainWait(job, agents)
      if (!sameReason(said.get(job.jobId) ?? null, reason)) await queue.waits(job, reason)
    }
  }

  return {
    wake,
    freed(organizationId) {
      if (!drained.has(organizationId)) wake(organizationId)
    },
    async sweep() {
      for (const organizationId of await queue.organizations()) wake(organizationId)
    },
    async stop() {
      stopped = true
      for (const cancel of [...explaining.values(), ...delayed.values()]) cancel()
      await Promise.all(passing.values())
    },
  }
}

/** Takes what it gives out of `jobs`. One job an agent a round, so that work spreads before it piles up. */
function assign(
  sessions: AgentSession[],
  book: LabelBook,
  jobs: Map<string, Candidate>,
  running: Map<string, number>,
  now: Date,
): { session: AgentSession; job: Candidate }[] {
  const assignments: { session: AgentSession; job: Candidate }[] = []
  const views = sessions.flatMap((session) => {
    if (!session.agent) return []
    return [{ session, view: viewOf(session.agent, book, { busy: session.busy, online: true, draining: false }) }]
  })
  for (let gave = true; gave; ) {
    gave = false
    views.sort((a, b) => a.view.busy - b.view.busy)
    for (const { session, view } of views) {
      const job = pickJob(view, jobs.values(), running, now)
      if (!job) continue
      jobs.delete(job.jobId)
      view.busy++
      running.set(job.projectId, (running.get(job.projectId) ?? 0) + 1)
      pin(jobs, job, session.agentId)
      assignments.push({ session, job })
      gave = true
    }
  }
  return assignments
}

/** The first job of a workspace decides where the others of the run go. */
function pin(jobs: Map<string, Candidate>, first: Candidate, agentId: string): void {
  if (first.workspace === isolatedWorkspace || first.pinnedAgentId) return
  for (const job of jobs.values()) {
    if (job.runId === first.runId && job.workspace === first.workspace) job.pinnedAgentId = agentId
  }
}
