// The jobs one agent holds, as its session sees them: offered, accepted, started, finished, in this order for each job.
// Whatever is said about a job is committed before it is answered, and answered the same when it is said again. But for the accept of
// an offer of this session's own: nobody else takes that back (engine/src/job-events.ts), so its job may start without waiting for the
// commit. Of a job that was offered through another session, whoever comes first to the row decides.

import type { RunEvent } from '@ansflow/engine/state'
import { invalidField } from '@ansflow/proto/errors'
import {
  type ControlResponseSchema,
  type Finished,
  JobPhase,
  type JobRef,
  type JobSnapshot,
  type Started,
} from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampDate } from '@bufbuild/protobuf/wkt'
import type { Clock } from '../../platform/clock.ts'
import type { OfferedJob } from '../runs/index.ts'
import type { Applied, HeldJob, JobBook } from './job-book.ts'
import { resultOf, secretsMissing } from './job-result.ts'

export type ControlInit = NonNullable<MessageInitShape<typeof ControlResponseSchema>['kind']>

/** What the jobs need of the session. */
export interface HoldingSession {
  readonly agentId: string
  readonly closed: boolean
  send(message: ControlInit): void
  warn(error: unknown, message: string): void
  /** A message that cannot be answered ends the stream; the agent says it again on the next. */
  fail(error: unknown): void
  /** A slot is free again. */
  freed(): void
  /** A job came, started or ended. */
  changed(): void
}

const acceptWithinMs = 10_000
const retryMs = [100, 250, 500, 1000, 2000]
const noSecrets = { values: [], missing: [] }

export class HeldJobs {
  readonly #book: JobBook
  readonly #clock: Clock
  readonly #session: HoldingSession
  readonly #held = new Map<string, HeldJob>()
  readonly #unanswered = new Map<string, () => void>()
  /** What is going on about each job: the next message waits for it. */
  readonly #chains = new Map<string, Promise<void>>()
  readonly #canceled = new Set<string>()

  constructor(book: JobBook, clock: Clock, session: HoldingSession) {
    this.#book = book
    this.#clock = clock
    this.#session = session
  }

  get size(): number {
    return this.#held.size
  }

  /** The agent's slots that are in use. */
  get busy(): number {
    let busy = 0
    for (const { phase } of this.#held.values()) if (phase !== 'finished') busy++
    return busy
  }

  /** Takes over what the rows say the agent has. */
  async load(): Promise<void> {
    for (const job of await this.#book.heldBy(this.#session.agentId)) this.#held.set(job.jobId, job)
  }

  /** The claim is committed; the agent has ten seconds to take it. */
  offer({ jobId, runId, epoch, secrets, spec }: OfferedJob): void {
    const held: HeldJob = { jobId, runId, epoch, secrets, phase: 'offered', offeredAt: this.#clock.now() }
    this.#held.set(jobId, held)
    if (this.#session.closed) {
      void this.#withdraw(held, 'the agent went away before it accepted')
      return
    }
    const timer = this.#clock.setTimer(acceptWithinMs, () => {
      this.#unanswered.delete(jobId)
      if (held.phase === 'offered') void this.#withdraw(held, 'the agent did not answer within 10 s')
    })
    this.#unanswered.set(jobId, timer)
    this.#session.send({ case: 'offer', value: { job: { jobId, epoch }, spec } })
  }

  accept(ref: JobRef | undefined): void {
    this.#about(ref, (job) => this.#accept(job))
  }

  reject(ref: JobRef | undefined, reason: string): void {
    this.#about(ref, async ({ jobId, epoch }) => {
      const job = this.#held.get(jobId)
      if (job?.epoch === epoch && job.phase === 'offered')
        await this.#withdraw(job, reason.slice(0, 500).toWellFormed())
    })
  }

  started(ref: JobRef | undefined, started: Partial<Started>): void {
    this.#about(ref, (job) => this.#started(job, started))
  }

  finished(ref: JobRef | undefined, finished: Finished): void {
    this.#about(ref, (job) => this.#finished(job, finished))
  }

  /** The stream is over: what was not accepted is given back, the rest goes on without us. */
  leave(): void {
    for (const [jobId, cancelTimer] of this.#unanswered) {
      cancelTimer()
      // The agent was not told to start it.
      const job = this.#held.get(jobId)
      if (job?.phase === 'offered') void this.#withdraw(job, 'the agent went away before it accepted')
    }
    this.#unanswered.clear()
  }

  /** Tells the agent of the cancels its jobs' rows ask for. */
  async deliverCancels(): Promise<void> {
    for (const { jobId, epoch } of await this.#book.cancels(this.#session.agentId)) {
      const held = this.#held.get(jobId)
      if (this.#canceled.has(jobId) || !held) continue
      if (held.phase === 'offered' && this.#unanswered.has(jobId)) {
        void this.#withdraw(held, 'it was canceled')
        continue
      }
      this.#canceled.add(jobId)
      // The grace is the spec's own.
      this.#session.send({ case: 'cancel', value: { job: { jobId, epoch } } })
    }
  }

  /** Jobs of the agent's journal that are not its to run any more, and have no result to hand in. */
  async unknown(snapshots: Iterable<JobSnapshot>): Promise<JobRef[]> {
    const forget: JobRef[] = []
    for (const { job, phase } of snapshots) {
      if (!job || this.#holds(job)) continue
      const known = phase === JobPhase.FINISHED ? await this.#book.find(job.jobId) : null
      if (known?.agentId !== this.#session.agentId || known.epoch !== job.epoch) forget.push(job)
    }
    return forget
  }

  /**
   * After a hello: what the agent does not know of is lost or offered anew, what it has is taken up where it stands. `fencedAt`:
   * when a job that another process of the agent got is certain to have ended there.
   */
  reconcile(
    told: Map<string, JobSnapshot>,
    forget: JobRef[],
    fencedAt: (job: HeldJob) => Date | undefined = () => undefined,
  ): void {
    for (const held of [...this.#held.values()]) {
      const snapshot = told.get(held.jobId)
      if (snapshot?.job?.epoch === held.epoch) continue
      if (held.phase === 'offered') void this.#withdraw(held, 'the agent does not know of it')
      else this.#loseAt(held, fencedAt(held))
    }
    for (const { job, phase, finished, startedAt } of told.values()) {
      if (!job || forget.includes(job)) continue
      if (phase === JobPhase.FINISHED) {
        // Without its result, that follows in a message of its own.
        if (finished) this.finished(job, finished)
      } else {
        // Its accept may never have come here; and whether it may start, the agent learns again.
        this.accept(job)
        if (phase === JobPhase.RUNNING) this.started(job, startedAt ? { at: startedAt } : {})
      }
    }
  }

  /** Ends on the agent what it says it runs and is not its to run. */
  refuseForeign(running: JobRef[]): void {
    for (const ref of running) if (!this.#holds(ref) && !this.#chains.has(ref.jobId)) this.#stale(ref)
  }

  async #accept(ref: JobRef): Promise<void> {
    const job = this.#held.get(ref.jobId)
    if (job?.epoch !== ref.epoch || job.phase === 'withdrawn') return this.#stale(ref)
    const isOurs = job.phase === 'offered' && this.#answered(job)
    if (job.phase === 'offered') job.phase = 'accepted'
    const noted = this.#commit(job, { type: 'jobAccepted', ...ids(job) })
    const applied = isOurs ? 'applied' : await noted
    if (applied === 'stale') return this.#drop(job)
    if (isOurs) {
      void noted.then((applied) => applied === 'stale' && this.#held.get(ref.jobId) === job && this.#drop(job))
    }
    this.#session.changed()
    const read = () => this.#book.secrets(job.jobId)
    const secrets = job.secrets === false ? noSecrets : await this.#persist(read)
    if (!secrets) return
    if (secrets.missing.length > 0) {
      await this.#commit(job, { type: 'jobFinished', ...ids(job), ...secretsMissing(secrets.missing) })
      return this.#drop(job)
    }
    this.#session.send({ case: 'start', value: { job: ids(job), secrets: secrets.values } })
    // A cancel that was committed before a first accept has ended the job; of later ones the bus tells.
    if (applied === 'applied') return
    await this.deliverCancels().catch((error: unknown) =>
      this.#session.warn(error, 'a cancel waits for the next heartbeat'),
    )
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
        else this.#session.changed()
      },
    )
  }

  async #finished(ref: JobRef, finished: Finished): Promise<void> {
    const held = this.#held.get(ref.jobId)
    // One that has ended before is answered again: the agent may not have heard it.
    const job = held ?? (await this.#persist(() => this.#book.find(ref.jobId)))
    const foreign = job && 'agentId' in job && job.agentId !== this.#session.agentId
    if (!job || job.epoch !== ref.epoch || foreign) return this.#stale(ref)
    if (held) {
      held.phase = 'finished'
      this.#session.freed()
    }
    const event: RunEvent = { type: 'jobFinished', jobId: ref.jobId, epoch: ref.epoch, ...resultOf(finished) }
    const applied = await this.#persist(() => this.#book.submit(job.runId, event))
    if (!applied) return
    if (applied === 'stale') this.#stale(ref)
    else {
      const logComplete = finished.logSize === 0n && (applied === 'applied' || (await this.#hasWholeLog(ref)))
      this.#session.send({ case: 'finishedAck', value: { job: ref, logComplete } })
    }
    this.#free(ref.jobId)
  }

  async #hasWholeLog({ jobId }: JobRef): Promise<boolean> {
    return (await this.#persist(() => this.#book.find(jobId)))?.logComplete ?? false
  }

  #loseAt(job: HeldJob, at: Date | undefined): void {
    const lose = () => this.#about(ids(job) as JobRef, () => this.#lost(job))
    const waitMs = at ? at.getTime() - this.#clock.now().getTime() : 0
    if (waitMs <= 0) lose()
    else this.#unanswered.set(job.jobId, this.#clock.setTimer(waitMs, lose))
  }

  async #lost(job: HeldJob): Promise<void> {
    if (this.#held.get(job.jobId) !== job) return

    await this.#commit(job, { type: 'jobLost', ...ids(job) })
    this.#free(job.jobId)
  }

  async #withdraw(job: HeldJob, reason: string): Promise<void> {
    this.#answered(job)
    job.phase = 'withdrawn'
    // Also when the stream is over: nobody else does it until the agent comes again, or is lost.
    await this.#persist(
      () => this.#book.submit(job.runId, { type: 'jobRejected', ...ids(job), reason }),
      retryMs.length,
    )
    this.#free(job.jobId)
  }

  /** Whether its offer, of this session, waited for an answer. */
  #answered(job: HeldJob): boolean {
    this.#unanswered.get(job.jobId)?.()
    return this.#unanswered.delete(job.jobId)
  }

  #drop(job: HeldJob): void {
    this.#stale(ids(job))
    this.#free(job.jobId)
  }

  #free(jobId: string): void {
    this.#canceled.delete(jobId)
    const job = this.#held.get(jobId)
    if (!this.#held.delete(jobId) || this.#session.closed) return
    if (job?.phase !== 'finished') this.#session.freed()
    this.#session.changed()
  }

  #holds(ref: JobRef): boolean {
    return this.#held.get(ref.jobId)?.epoch === ref.epoch
  }

  #stale({ jobId, epoch }: { jobId: string; epoch: number }): void {
    this.#session.send({ case: 'stale', value: { job: { jobId, epoch } } })
  }

  async #commit(job: HeldJob, event: RunEvent): Promise<Applied> {
    return (await this.#persist(() => this.#book.submit(job.runId, event))) ?? 'stale'
  }

  /** What the database refuses for now is tried until it is taken or the stream ends; the agent then says it again. */
  async #persist<T>(work: () => Promise<T>, triesBeyond = 0): Promise<T | undefined> {
    for (let attempt = 0; !this.#session.closed || attempt < triesBeyond; attempt++) {
      try {
        return await work()
      } catch (error) {
        this.#session.warn(error, 'what an agent said could not be stored yet')
        const ms = retryMs[Math.min(attempt, retryMs.length - 1)] ?? 2000
        await new Promise<void>((resolve) => this.#clock.setTimer(ms, resolve))
      }
    }
    return undefined
  }

  #about(ref: JobRef | undefined, work: (ref: JobRef) => Promise<void>): void {
    if (!ref) throw invalidField('job', 'is missing')
    const before = this.#chains.get(ref.jobId) ?? Promise.resolve()
    const chain = before
      .then(() => (this.#session.closed ? undefined : work(ref)))
      .catch((error: unknown) => {
        this.#session.warn(error, 'a message about a job failed')
        this.#session.fail(error)
      })
      .then(() => {
        if (this.#chains.get(ref.jobId) === chain) this.#chains.delete(ref.jobId)
      })
    this.#chains.set(ref.jobId, chain)
  }
}

const ids = ({ jobId, epoch }: HeldJob) => ({ jobId, epoch })
