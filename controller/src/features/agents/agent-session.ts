// One agent's control stream as a state machine over a pipe:
//
//   awaitingHello ──hello──▶ ready ──draining──▶ draining
//        └──────────────────── any end ──────────────────▶ closed
//
// Whatever is said about a job is committed before it is answered, and answered the same when it is said again.
import { AppError, toAppError } from '@ansflow/proto/errors'
import {
  type ControlRequest,
  type ControlResponseSchema,
  type Finished,
  type Hello,
  JobPhase,
  type JobRef,
  type JobSnapshot,
  type Started,
} from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { HostLoad } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampDate } from '@bufbuild/protobuf/wkt'
import type { RunEvent } from '../../engine/state.ts'
import type { Clock } from '../../platform/clock.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { Logger } from '../../platform/log.ts'
import { heartbeatMs } from './agent-status.ts'
import type { KnownAgent } from './agent-tables.ts'
import type { Applied, HeldJob, JobBook, OfferedJob } from './job-book.ts'
import { resultOf, secretsMissing } from './job-result.ts'

export type ControlInit = NonNullable<MessageInitShape<typeof ControlResponseSchema>['kind']>

/** The stream without what carries it. */
export interface ControlPipe {
  send(message: ControlInit): void
  close(error?: AppError): void
}

/** The agent's row, as far as sessions touch it. */
export interface AgentBook {
  /** Makes this session the one that speaks for the agent; null when there is no such agent any more. */
  claim(agentId: string, sessionId: string, hello: Hello): Promise<KnownAgent | null>
  /** False: another session speaks for it now, or it is gone. */
  seen(agentId: string, sessionId: string, load: HostLoad | undefined): Promise<boolean>
  /** It said goodbye with nothing left to do. */
  left(agentId: string, sessionId: string): Promise<void>
}

export interface SessionDeps {
  clock: Clock
  log: Logger
  jobs: JobBook
  agents: AgentBook
  lostAfterMs: number
  /** The session can take offers (again). */
  onFree(session: AgentSession): void
  onReady(session: AgentSession): void
  /** It got, started or ended a job. */
  onJobs(session: AgentSession): void
  onClosed(session: AgentSession): void
}

export type SessionState = 'awaitingHello' | 'ready' | 'draining' | 'closed'

const acceptWithinMs = 10_000
const retryMs = [100, 250, 500, 1000, 2000]

export class AgentSession {
  readonly id = uuidv7()
  readonly agentId: string
  state: SessionState = 'awaitingHello'
  /** A person wants it to take no new jobs. */
  drainWanted = false
  agent: KnownAgent | null = null
  readonly #deps: SessionDeps
  readonly #pipe: ControlPipe
  readonly #held = new Map<string, HeldJob>()
  readonly #unanswered = new Map<string, () => void>()
  /** What is going on about each job: the next message waits for it. */
  readonly #chains = new Map<string, Promise<void>>()
  readonly #canceled = new Set<string>()

  constructor(deps: SessionDeps, agentId: string, pipe: ControlPipe) {
    this.#deps = deps
    this.#pipe = pipe
    this.agentId = agentId
  }

  get busy(): number {
    return this.#held.size
  }

  get takesOffers(): boolean {
    return this.state === 'ready' && !this.drainWanted && this.agent !== null && this.busy < this.agent.slots
  }

  /** Resolves when the next message may be given; only the hello makes others wait. */
  async onMessage({ kind }: ControlRequest): Promise<void> {
    if (this.state === 'closed') return
    if (this.state === 'awaitingHello') {
      if (kind.case !== 'hello') throw new AppError('failed_precondition', 'The first message must be a hello.')
      return this.#hello(kind.value)
    }
    switch (kind.case) {
      case 'hello':
        throw new AppError('failed_precondition', 'A stream has one hello.')
      case 'heartbeat':
        return this.#heartbeat(kind.value.load, kind.value.running)
      case 'accept':
        return this.#about(kind.value.job, (ref) => this.#accept(ref))
      case 'reject': {
        const { job, reason } = kind.value
        return this.#about(job, (ref) => this.#reject(ref, reason))
      }
      case 'started':
        return this.#about(kind.value.job, (ref) => this.#started(ref, kind.value))
      case 'finished':
        return this.#about(kind.value.job, (ref) => this.#finished(ref, kind.value))
      case 'draining':
        this.state = 'draining'
        return
    }
  }

  onClose(): void {
    if (this.state === 'closed') return
    const leaves = this.state === 'draining' && this.busy === 0
    this.state = 'closed'
    for (const [jobId, cancelTimer] of this.#unanswered) {
      cancelTimer()
      // Not journaled by the agent as far as anybody knows; its late accept will be stale.
      const job = this.#held.get(jobId)
      if (job?.phase === 'offered') void this.#withdraw(job, 'the agent went away before it accepted')
    }
    this.#unanswered.clear()
    if (leaves) {
      this.#deps.agents.left(this.agentId, this.id).catch((error: unknown) => this.#warn(error, 'a goodbye was lost'))
    }
    this.#deps.onClosed(this)
  }

  /** Ends the stream from this side. */
  close(error?: AppError): void {
    if (this.state === 'closed') return
    this.#pipe.close(error)
    this.onClose()
  }

  /** The claim is committed; the agent has ten seconds to take it. */
  offer(job: OfferedJob): void {
    const { jobId, runId, epoch, secrets } = job
    const held: HeldJob = { jobId, runId, epoch, secrets, phase: 'offered' }
    this.#held.set(job.jobId, held)
    if (this.state === 'closed') {
      void this.#withdraw(held, 'the agent went away before it accepted')
      return
    }
    const ref = { jobId: job.jobId, epoch: job.epoch }
    const timer = this.#deps.clock.setTimer(acceptWithinMs, () => {
      this.#unanswered.delete(job.jobId)
      if (held.phase === 'offered') void this.#withdraw(held, 'the agent did not answer within 10 s')
    })
    this.#unanswered.set(job.jobId, timer)
    this.#pipe.send({ case: 'offer', value: { job: ref, spec: job.spec } })
  }

  /** Tells the agent of the cancels its jobs' rows ask for. */
  async deliverCancels(): Promise<void> {
    if (this.state !== 'ready' && this.state !== 'draining') return
    for (const { jobId, epoch } of await this.#deps.jobs.cancels(this.agentId)) {
      if (this.#canceled.has(jobId) || !this.#held.has(jobId)) continue
      this.#canceled.add(jobId)
      // The grace is the spec's own.
      this.#pipe.send({ case: 'cancel', value: { job: { jobId, epoch } } })
    }
  }

  /** The agent's row changed: what people want of it, or who speaks for it. */
  onRow(agent: KnownAgent | null): void {
    if (this.state === 'closed' || this.state === 'awaitingHello') return
    if (agent?.sessionId !== this.id) {
      this.close(agent ? superseded() : deleted())
      return
    }
    this.agent = agent
    if (this.drainWanted === agent.draining) return
    this.drainWanted = agent.draining
    this.#pipe.send({ case: 'drain', value: { drain: agent.draining } })
    this.#deps.onFree(this)
  }

  async #hello(hello: Hello): Promise<void> {
    const agent = await this.#deps.agents.claim(this.agentId, this.id, hello)
    if (!agent) throw deleted()
    this.agent = agent
    this.drainWanted = agent.draining
    for (const job of await this.#deps.jobs.heldBy(this.agentId)) this.#held.set(job.jobId, job)
    const wanted = await this.#deps.jobs.cancels(this.agentId)
    const told = new Map(hello.jobs.flatMap((snapshot) => (snapshot.job ? [[snapshot.job.jobId, snapshot]] : [])))
    const forget = await this.#unknown([...told.values()])
    if (this.closed) return
    this.state = 'ready'
    this.#pipe.send({
      case: 'welcome',
      value: {
        agentId: this.agentId,
        heartbeatMs,
        lostAfterMs: this.#deps.lostAfterMs,
        forget,
        cancel: wanted.filter(({ jobId }) => told.has(jobId)),
        drain: this.drainWanted,
      },
    })
    this.#reconcile(told, forget)
    this.#deps.onReady(this)
  }

  /** Jobs of the agent's journal that are not its to run any more, and have no result to hand in. */
  async #unknown(snapshots: JobSnapshot[]): Promise<JobRef[]> {
    const forget: JobRef[] = []
    for (const { job, phase } of snapshots) {
      if (!job || this.#holds(job)) continue
      const known = phase === JobPhase.FINISHED ? await this.#deps.jobs.find(job.jobId) : null
      if (known?.agentId !== this.agentId || known.epoch !== job.epoch) forget.push(job)
    }
    return forget
  }

  #reconcile(told: Map<string, JobSnapshot>, forget: JobRef[]): void {
    for (const held of [...this.#held.values()]) {
      const snapshot = told.get(held.jobId)
      if (snapshot?.job?.epoch === held.epoch) continue
      if (held.phase === 'offered') void this.#withdraw(held, 'the agent does not know of it')
      else void this.#about({ jobId: held.jobId, epoch: held.epoch } as JobRef, () => this.#lost(held))
    }
    for (const { job, phase, finished, startedAt } of told.values()) {
      if (!job || forget.includes(job)) continue
      if (phase === JobPhase.FINISHED && finished) {
        void this.#about(job, (ref) => this.#finished(ref, finished))
      } else {
        // Its accept may never have come here; and whether it may start, the agent learns again.
        void this.#about(job, (ref) => this.#accept(ref))
        if (phase === JobPhase.RUNNING) {
          void this.#about(job, (ref) => this.#started(ref, startedAt ? { at: startedAt } : {}))
        }
      }
    }
  }

  async #heartbeat(load: HostLoad | undefined, running: JobRef[]): Promise<void> {
    if (!(await this.#deps.agents.seen(this.agentId, this.id, load))) return this.close(superseded())
    const cancel = await this.#deps.jobs.cancels(this.agentId)
    if (this.closed) return
    this.#pipe.send({ case: 'heartbeatAck', value: { cancel, drain: this.drainWanted } })
    for (const ref of running) if (!this.#holds(ref) && !this.#chains.has(ref.jobId)) this.#stale(ref)
  }

  async #accept(ref: JobRef): Promise<void> {
    const job = this.#held.get(ref.jobId)
    if (job?.epoch !== ref.epoch) return this.#stale(ref)
    this.#answered(job)
    const applied = await this.#commit(job, { type: 'jobAccepted', ...ids(job) })
    if (applied === 'stale') return this.#drop(job)
    if (job.phase === 'offered') job.phase = 'accepted'
    this.#deps.onJobs(this)
    const read = () => this.#deps.jobs.secrets(job.jobId)
    const secrets = job.secrets === false ? noSecrets : await this.#persist(read)
    if (!secrets) return
    if (secrets.missing.length > 0) {
      await this.#commit(job, { type: 'jobFinished', ...ids(job), ...secretsMissing(secrets.missing) })
      return this.#drop(job)
    }
    this.#pipe.send({ case: 'start', value: { job: ids(job), secrets: secrets.values } })
    await this.deliverCancels().catch((error: unknown) => this.#warn(error, 'a cancel waits for the next heartbeat'))
  }

  async #reject(ref: JobRef, reason: string): Promise<void> {
    const job = this.#held.get(ref.jobId)
    if (job?.epoch === ref.epoch && job.phase === 'offered') await this.#withdraw(job, reason.slice(0, 500))
  }

  async #started(ref: JobRef, { at }: Partial<Started>): Promise<void> {
    const job = this.#held.get(ref.jobId)
    if (job?.epoch !== ref.epoch) return this.#stale(ref)
    job.phase = 'running'
    // Not waited for: the result may come right behind it, and the two share a commit then.
    void this.#commit(job, { type: 'jobStarted', ...ids(job), ...(at ? { at: timestampDate(at) } : {}) }).then(
      (applied) => {
        if (this.#held.get(ref.jobId) !== job) return
        if (applied === 'stale') this.#drop(job)
        else this.#deps.onJobs(this)
      },
    )
  }

  async #finished(ref: JobRef, finished: Finished): Promise<void> {
    const held = this.#held.get(ref.jobId)
    // One that has ended before is answered again: the agent may not have heard it.
    const job = held ?? (await this.#persist(() => this.#deps.jobs.find(ref.jobId)))
    if (!job || job.epoch !== ref.epoch || ('agentId' in job && job.agentId !== this.agentId)) return this.#stale(ref)
    const event: RunEvent = { type: 'jobFinished', jobId: ref.jobId, epoch: ref.epoch, ...resultOf(finished) }
    const applied = await this.#persist(() => this.#deps.jobs.submit(job.runId, event))
    if (!applied) return
    if (applied === 'stale') this.#stale(ref)
    else this.#pipe.send({ case: 'finishedAck', value: { job: ref } })
    this.#free(ref.jobId)
  }

  async #lost(job: HeldJob): Promise<void> {
    await this.#commit(job, { type: 'jobLost', ...ids(job) })
    this.#free(job.jobId)
  }

  async #withdraw(job: HeldJob, reason: string): Promise<void> {
    this.#answered(job)
    try {
      await this.#deps.jobs.submit(job.runId, { type: 'jobRejected', ...ids(job), reason })
    } catch (error) {
      this.#warn(error, 'an offer could not be taken back; the sweep will')
    }
    this.#free(job.jobId)
  }

  #answered(job: HeldJob): void {
    this.#unanswered.get(job.jobId)?.()
    this.#unanswered.delete(job.jobId)
  }

  #drop(job: HeldJob): void {
    this.#stale({ jobId: job.jobId, epoch: job.epoch })
    this.#free(job.jobId)
  }

  #free(jobId: string): void {
    this.#canceled.delete(jobId)
    if (!this.#held.delete(jobId) || this.closed) return
    this.#deps.onFree(this)
    this.#deps.onJobs(this)
  }

  get closed(): boolean {
    return this.state === 'closed'
  }

  #holds(ref: JobRef): boolean {
    return this.#held.get(ref.jobId)?.epoch === ref.epoch
  }

  #stale(ref: { jobId: string; epoch: number }): void {
    if (!this.closed) this.#pipe.send({ case: 'stale', value: { job: { jobId: ref.jobId, epoch: ref.epoch } } })
  }

  async #commit(job: HeldJob, event: RunEvent): Promise<Applied> {
    return (await this.#persist(() => this.#deps.jobs.submit(job.runId, event))) ?? 'stale'
  }

  /** What the database refuses for now is tried until it is taken or the stream ends; the agent then says it again. */
  async #persist<T>(work: () => Promise<T>): Promise<T | undefined> {
    for (let attempt = 0; !this.closed; attempt++) {
      try {
        return await work()
      } catch (error) {
        this.#warn(error, 'what an agent said could not be stored yet')
        const ms = retryMs[Math.min(attempt, retryMs.length - 1)] ?? 2000
        await new Promise<void>((resolve) => this.#deps.clock.setTimer(ms, resolve))
      }
    }
    return undefined
  }

  #about(ref: JobRef | undefined, work: (ref: JobRef) => Promise<void>): Promise<void> {
    if (!ref) throw new AppError('invalid_argument', 'job: is missing')
    const before = this.#chains.get(ref.jobId) ?? Promise.resolve()
    const chain = before
      .then(() => (this.closed ? undefined : work(ref)))
      .catch((error: unknown) => {
        this.#warn(error, 'a message about a job failed')
        this.close(toAppError(error))
      })
      .then(() => {
        if (this.#chains.get(ref.jobId) === chain) this.#chains.delete(ref.jobId)
      })
    this.#chains.set(ref.jobId, chain)
    return Promise.resolve()
  }

  #warn(error: unknown, message: string): void {
    this.#deps.log.warn({ err: error, agentId: this.agentId, sessionId: this.id }, message)
  }
}

export function superseded(): AppError {
  return new AppError('aborted', 'Another connection speaks for this agent now.', { reason: 'superseded' })
}

function deleted(): AppError {
  return new AppError('unauthenticated', 'This agent was deleted.')
}

const noSecrets = { values: [], missing: [] }
const ids = (job: HeldJob) => ({ jobId: job.jobId, epoch: job.epoch })
