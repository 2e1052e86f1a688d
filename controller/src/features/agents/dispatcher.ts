// Brings queued jobs to free agents of this controller: a pass an organization, as soon as something may fit, never two at
// once. Jobs that stay queued after it get the reason they wait for.

import { assignAlone, assignJobs, isOfOneShare } from '@ansflow/engine/assign-jobs'
import { explainWait, withoutAsking } from '@ansflow/engine/explain'
import { type AgentView, type Candidate, isPinned, type JobLimits } from '@ansflow/engine/pick-job'
import { type Reason, sameReason } from '@ansflow/proto/reasons'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/log.ts'
import type { Placement, Seat } from '../runs/index.ts'
import { LabelBook } from './agent-labels.ts'
import type { AgentSession } from './agent-session.ts'
import { viewOf } from './agent-tables.ts'
import { page, type WaitingLine, waitingLine } from './waiting-line.ts'

/** The job table as the dispatcher uses it. */
export interface JobQueue {
  /** Queued jobs behind `after`, the first to go first, at most `limit`. */
  candidates(organizationId: string, limit: number, after?: Candidate): Promise<Candidate[]>
  /** The first of each project but those that are known. */
  elsewhere(organizationId: string, known: ReadonlySet<string>): Promise<Candidate[]>
  /** What people have given to the organization's agents. */
  labels(organizationId: string): Promise<LabelBook>
  /** Of those projects that have any. */
  limits(): JobLimits
  /** Jobs on agents, by `shareOf`. */
  running(): Promise<Map<string, number>>
  /** False: it is not queued any more. Those that are called in one turn of the event loop share a commit. */
  claim(job: Candidate, seat: Seat): Promise<boolean>
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

export interface Dispatcher {
  /** Jobs have been queued, or an agent can do more than before. */
  wake(organizationId: string): void
  /** An agent has a slot again: of interest only while jobs wait. */
  freed(organizationId: string): void
  /** For what no event told: looks at every organization with queued jobs. */
  sweep(): Promise<void>
  /** Seats for jobs that are being queued, when none waits before them: what a pass would do, without a commit of its own. */
  place: Placement
  stop(): Promise<void>
}

interface Deps {
  queue: JobQueue
  sessions(): Iterable<AgentSession>
  clock: Clock
  log: Logger
}

/** Explanations wait this long after the last pass: a burst of short jobs is not worth explaining. */
const explainAfterMs = 200
/** Explanations that share a commit. */
const saidAtOnce = 100

export function createDispatcher({ queue, sessions, clock, log }: Deps): Dispatcher {
  const wanted = new Set<string>()
  /** What the last passes left, of organizations of which nothing was told since. */
  const lines = new Map<string, WaitingLine>()
  /** Organizations whose last pass left nothing queued. */
  const drained = new Set<string>()
  /** Those for which jobs are being queued that stay so, until the bus tells of them. */
  const untold = new Set<string>()
  const passing = new Map<string, Promise<void>>()
  const explaining = new Map<string, () => void>()
  const delayed = new Map<string, () => void>()
  let stopped = false

  function wake(organizationId: string): void {
    untold.delete(organizationId)
    look(organizationId)
  }

  /** At the line as it is, whatever was known of it. */
  function look(organizationId: string): void {
    lines.delete(organizationId)
    goOn(organizationId)
  }

  function goOn(organizationId: string): void {
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

  /** The free agents as they are now, with the labels that were read before. */
  function free(organizationId: string, book: LabelBook) {
    const views: AgentView[] = []
    const seats = new Map<string, () => Seat>()
    for (const session of freeSessions(organizationId)) {
      if (!session.agent) continue
      views.push(viewOf(session.agent, book, { busy: session.busy, online: true, draining: false }))
      seats.set(session.agentId, () => session.seat())
    }
    return { views, seat: (agentId: string) => seats.get(agentId)!() }
  }

  function newLine(organizationId: string): WaitingLine {
    return waitingLine({
      inOrder: (...page) => queue.candidates(organizationId, ...page),
      elsewhere: (known) => queue.elsewhere(organizationId, known),
    })
  }

  async function pass(organizationId: string): Promise<void> {
    if (freeSessions(organizationId).length === 0) return
    const line = lines.get(organizationId) ?? newLine(organizationId)
    lines.set(organizationId, line)
    while (await giveAway(organizationId, line)) {
      if (line.isWhole || freeSessions(organizationId).length === 0) {
        lookAgainAt(organizationId, line.jobs.values())
        if (line.jobs.size === 0 && line.isWhole) noneLeft(organizationId)
        return
      }
      await line.readMore()
    }
    // What is known of the line is old: somebody else was quicker, or a job was canceled.
    look(organizationId)
  }

  /** False: some were not there any more. */
  async function giveAway(organizationId: string, { jobs }: WaitingLine): Promise<boolean> {
    if (jobs.size === 0) return true
    const book = await labelsFor(organizationId, jobs.values())
    const limits = queue.limits()
    const running = isOfOneShare(jobs.values()) && !someHaveLimits(jobs.values()) ? new Map() : await queue.running()
    const { views, seat } = free(organizationId, book)
    const assignments = assignJobs(views, jobs, running, clock.now(), limits)
    const claims = await Promise.all(assignments.map(({ job, agentId }) => queue.claim(job, seat(agentId))))
    return !claims.includes(false)
  }

  /** What runs of their projects counts then, whatever else waits. */
  function someHaveLimits(jobs: Iterable<Candidate>): boolean {
    const limits = queue.limits()
    if (limits.size > 0) for (const { projectId } of jobs) if (limits.has(projectId)) return true
    return false
  }

  /** Read after the jobs: who protects a label and then starts a run must not see it go to another agent. */
  async function labelsFor(organizationId: string, jobs: Iterable<Candidate>): Promise<LabelBook> {
    for (const { labels, untrusted } of jobs) if (labels.length > 0 || untrusted) return queue.labels(organizationId)
    return new LabelBook()
  }

  async function place(organizationId: string, jobs: Candidate[]): Promise<Map<string, Seat>> {
    const seats = new Map<string, Seat>()
    const byId = new Map(jobs.map((job) => [job.jobId, job]))
    if (mayPlace(organizationId, jobs)) {
      const book = await labelsFor(organizationId, jobs)
      // Other jobs may have come to wait meanwhile.
      if (mayPlace(organizationId, jobs)) {
        const { views, seat } = free(organizationId, book)
        for (const { job, agentId } of assignAlone(views, byId, clock.now())) seats.set(job.jobId, seat(agentId))
      }
    }
    if (seats.size < jobs.length) untold.add(organizationId)
    return seats
  }

  /** Whether nothing waits beside them that may have to go first. */
  function mayPlace(organizationId: string, jobs: Candidate[]): boolean {
    if (stopped || jobs.length > page || untold.has(organizationId) || someHaveLimits(jobs)) return false
    return drained.has(organizationId) && freeSessions(organizationId).length > 0
  }

  function noneLeft(organizationId: string): void {
    lines.delete(organizationId)
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
    const running = someHaveLimits(jobs) ? await queue.running() : new Map<string, number>()
    const limits = queue.limits()
    const now = clock.now()
    const changed: (() => Promise<void>)[] = []
    for (const job of jobs) {
      if (stopped) return
      if (job.availableAt > now) continue
      if (isPinned(job) && !agents.some(({ id }) => id === job.pinnedAgentId)) {
        await queue.strand(job)
        continue
      }
      const reason = explainWait(job, agents, running, limits)
      const before = said.get(job.jobId)
      if (!sameReason(before ? withoutAsking(before) : null, reason)) changed.push(() => queue.waits(job, reason))
    }
    // Many at once share a commit, and a large run that was canceled meanwhile is read once for all of them.
    for (let at = 0; at < changed.length && !stopped; at += saidAtOnce) {
      await Promise.all(changed.slice(at, at + saidAtOnce).map((say) => say()))
    }
  }

  return {
    wake,
    freed(organizationId) {
      if (!drained.has(organizationId)) goOn(organizationId)
    },
    async sweep() {
      // A commit that failed is not told of.
      untold.clear()
      for (const organizationId of await queue.organizations()) wake(organizationId)
    },
    place: (organizationId, jobs) =>
      place(organizationId, jobs).catch((error: unknown) => {
        log.warn({ err: error, organizationId }, 'jobs that are being queued were not placed; the dispatcher does it')
        untold.add(organizationId)
        return new Map()
      }),
    async stop() {
      stopped = true
      for (const cancel of [...explaining.values(), ...delayed.values()]) cancel()
      await Promise.all(passing.values())
    },
  }
}
