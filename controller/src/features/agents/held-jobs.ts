// The jobs one agent holds, as its session sees them: offered, accepted, started, finished, in this order for each job.
// Whatever is said about a job is committed before it is answered, and answered the same when it is said again.
//
// An offer that was sent with its start may run, answered or not. So it is taken back only when the agent refuses it, or says a hello
// without it; until then it is the agent's, whatever becomes of the stream. An offer that waits for a start of its own (of agents that
// know no other) may be taken back by this session until it has said start, and by nobody else; so its job, too, may start without
// waiting for the commit of its accept. Of such a job that was offered through another session, whoever comes first to the row decides.

import type { RunEvent } from '@ansflow/engine/state'
import { invalidField, unavailable } from '@ansflow/proto/errors'
import {
  type Accept,
  type Finished,
  JobPhase,
  type JobRef,
  type JobSnapshot,
  type Started,
} from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { timestampDate } from '@bufbuild/protobuf/wkt'
import type { Clock } from '../../platform/clock.ts'
import type { OfferedJob } from '../runs/index.ts'
import type { HoldingSession } from './holding-session.ts'
import type { Applied, HeldJob, JobBook, KnownJob, SecretInit } from './job-book.ts'
import { lackOf, resultOf } from './job-result.ts'

const acceptWithinMs = 10_000
const retryMs = [100, 250, 500, 1000, 2000]
const noSecrets = { values: [], missing: [] }

/** An offer of this session's own that was not answered. */
interface Unanswered {
  /** It was sent with its start. */
  mayRun: boolean
  cancelTimer(): void
}

export class HeldJobs {
  readonly #book: JobBook
  readonly #clock: Clock
  readonly #session: HoldingSession
  readonly #held = new Map<string, HeldJob>()
  readonly #unanswered = new Map<string, Unanswered>()
  /** Timers of jobs that are lost at some moment. */
  readonly #losing = new Map<string, () => void>()
  /** Jobs of the last heartbeat's rows that this session does not know of. */
  #strange: ReadonlySet<string> = new Set()
  /** What is going on about each job: the next message waits for it. */
  readonly #chains = new Map<string, Promise<void>>()
  readonly #canceled = new Set<string>()
  /** Ended by the rows; the agent, which was restarted before it wrote that down, is to say so again: it alone has the rest of their logs. */
  readonly #awaited = new Set<string>()

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

  /** Takes over what the rows say the agent has, and answers it. */
  async load(): Promise<HeldJob[]> {
    const rows = await this.#book.heldBy(this.#session.agentId)
    for (const job of rows) this.#held.set(job.jobId, job)
    return rows
  }

  /**
   * False: these rows, as did those before, say that the agent has a job that nobody here has heard of. Another session has offered it
   * and is gone, or nobody knows whether its claim was committed: what has become of it, the agent's next hello tells.
   */
  knowsAll(rows: HeldJob[]): boolean {
    const strange = rows.filter((job) => !this.#holds(job) && !this.#chains.has(job.jobId))
    const keys = strange.map(({ jobId, epoch }) => `${jobId} ${epoch}`)
    const isKnown = !keys.some((key) => this.#strange.has(key))
    this.#strange = new Set(keys)
    return isKnown
  }

  /** The claim is committed; the agent has ten seconds to answer. */
  offer({ jobId, runId, epoch, secrets, spec }: OfferedJob): void {
    const held: HeldJob = { jobId, runId, epoch, secrets, phase: 'offered', offeredAt: this.#clock.now() }
    this.#held.set(jobId, held)
    if (this.#session.closed) void this.#withdraw(held, 'the agent went away before it accepted')
    else if (!this.#session.startsOffers) this.#send(held, { spec })
    else if (secrets === false) this.#send(held, { spec, start: true })
    else {
      this.#unanswered.set(jobId, { mayRun: false, cancelTimer: () => undefined })
      this.#about(ids(held), async () => {
        const values = await this.#secretsOf(held)
        if (values && held.phase === 'offered') this.#send(held, { spec, start: true, secrets: values })
      })
    }
  }

  #send(held: HeldJob, offer: { spec: OfferedJob['spec']; start?: true; secrets?: SecretInit[] }): void {
    const mayRun = offer.start === true
    const cancelTimer = this.#clock.setTimer(acceptWithinMs, () => {
      // On the next stream it says whether it has it.
      if (mayRun) return this.#session.fail(unavailable('The agent did not answer an offer within 10 s.'))
      this.#unanswered.delete(held.jobId)
      if (held.phase === 'offered') void this.#withdraw(held, 'the agent did not answer within 10 s')
    })
    this.#unanswered.set(held.jobId, { mayRun, cancelTimer })
    this.#session.send({ case: 'offer', value: { job: ids(held), ...offer } })
  }

  accept(ref: JobRef | undefined, { starts = false }: Partial<Accept> = {}): void {
    this.#about(ref, (job) => this.#accept(job, starts))
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

  /** The stream is over: offers that certainly do not run are given back, the rest goes on without us. */
  leave(): void {
    for (const cancelTimer of this.#losing.values()) cancelTimer()
    for (const [jobId, { mayRun, cancelTimer }] of this.#unanswered) {
      cancelTimer()
      const job = this.#held.get(jobId)
      if (job?.phase === 'offered' && !mayRun) void this.#withdraw(job, 'the agent went away before it accepted')
    }
    this.#unanswered.clear()
  }

  /** Tells the agent of the cancels its jobs' rows ask for. */
  async deliverCancels(): Promise<void> {
    for (const { jobId, epoch, cancelRequested } of await this.#book.heldBy(this.#session.agentId)) {
      const held = this.#held.get(jobId)
      if (!cancelRequested || this.#canceled.has(jobId) || !held) continue
      if (held.phase === 'offered' && this.#unanswered.get(jobId)?.mayRun === false) {
        void this.#withdraw(held, 'it was canceled')
        continue
      }
      this.#canceled.add(jobId)
      // The grace is the spec's own.
      this.#session.send({ case: 'cancel', value: { job: { jobId, epoch } } })
    }
  }

  /** Jobs of the agent's journal that are not its to run any more, and have neither a result to hand in nor a log. */
  async unknown(snapshots: Iterable<JobSnapshot>): Promise<JobRef[]> {
    const forget: JobRef[] = []
    for (const { job, phase } of snapshots) {
      if (!job || this.#holds(job)) continue
      const known = phase === JobPhase.ACCEPTED ? null : await this.#book.find(job.jobId)
      if (phase === JobPhase.FINISHED ? !this.#isTheirs(job, known) : !this.#lacksLog(job, known)) forget.push(job)
      else if (phase !== JobPhase.FINISHED) this.#awaited.add(job.jobId)
    }
    return forget
  }

  #isTheirs({ epoch }: { epoch: number }, known: KnownJob | null | undefined): boolean {
    return known?.agentId === this.#session.agentId && known.epoch === epoch
  }

  #lacksLog(ref: { epoch: number }, known: KnownJob | null | undefined): boolean {
    return this.#isTheirs(ref, known) && known!.hasEnded && !known!.logComplete
  }

  /**
   * After a hello: what the agent does not know of is lost, or offered anew if it was not accepted; what it has is taken up where it
   * stands. `fencedAt`: when a job that another process of the agent may have got is certain to have ended there.
   */
  reconcile(
    told: Map<string, JobSnapshot>,
    forget: JobRef[],
    fencedAt: (job: HeldJob) => Date | undefined = () => undefined,
  ): void {
    for (const held of [...this.#held.values()]) {
      const snapshot = told.get(held.jobId)
      if (snapshot?.job?.epoch === held.epoch) continue
      const at = fencedAt(held)
      if (held.phase === 'offered' && !at) void this.#withdraw(held, 'the agent does not know of it')
      else this.#loseAt(held, at)
    }
    for (const { job, phase, finished, startedAt } of told.values()) {
      if (!job || forget.includes(job)) continue
      if (this.#awaited.has(job.jobId)) this.#endKnown(job)
      else if (phase === JobPhase.FINISHED) {
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
    for (const ref of running) {
      if (!this.#holds(ref) && !this.#chains.has(ref.jobId) && !this.#awaited.has(ref.jobId)) this.#stale(ref)
    }
  }

  async #accept(ref: JobRef, starts: boolean): Promise<void> {
    if (this.#awaited.has(ref.jobId)) return
    const job = this.#held.get(ref.jobId)
    if (job?.epoch !== ref.epoch || job.phase === 'withdrawn') return this.#stale(ref)
    const isOurs = job.phase === 'offered' && this.#answered(job)
    if (job.phase === 'offered') job.phase = 'accepted'
    const noted = this.#commit(job, { type: 'jobAccepted', ...ids(job) })
    const applied = isOurs ? 'applied' : await noted
    if (applied === 'stale') return this.#outdated(job)
    if (isOurs) void noted.then((applied) => (applied === 'stale' ? this.#outdated(job) : undefined))
    this.#session.changed()
    if (starts) return
    const secrets = await this.#secretsOf(job)
    if (!secrets) return
    this.#session.send({ case: 'start', value: { job: ids(job), secrets } })
    // A cancel that was committed before a first accept has ended the job; of later ones the bus tells.
    if (applied === 'applied') return
    await this.deliverCancels().catch((error: unknown) =>
      this.#session.warn(error, 'a cancel waits for the next heartbeat'),
    )
  }

  /** Undefined: there is nobody to send them to any more, or one is not to be had and the job has ended of that. */
  async #secretsOf(job: HeldJob): Promise<SecretInit[] | undefined> {
    const read = () => this.#book.secrets(job.jobId)
    const secrets = job.secrets === false ? noSecrets : await this.#persist(read)
    const lack = secrets && lackOf(secrets)
    if (!lack) return secrets?.values
    if (job.phase === 'withdrawn') return undefined
    this.#answered(job)
    await this.#commit(job, { type: 'jobFinished', ...ids(job), ...lack })
    this.#drop(job)
    return undefined
  }

  async #started(ref: JobRef, { at }: Partial<Started>): Promise<void> {
    if (this.#awaited.has(ref.jobId)) return
    const job = this.#held.get(ref.jobId)
    if (job?.epoch !== ref.epoch || job.phase === 'withdrawn') return this.#stale(ref)
    this.#answered(job)
    job.phase = 'running'
    // Not waited for: the result may come right behind it, and the two share a commit then.
    void this.#commit(job, { type: 'jobStarted', ...ids(job), ...(at ? { at: timestampDate(at) } : {}) }).then(
      (applied) => {
        if (applied === 'stale') return this.#outdated(job)
        if (this.#held.get(ref.jobId) === job) this.#session.changed()
      },
    )
  }

  async #finished(ref: JobRef, finished: Finished): Promise<void> {
    const held = this.#held.get(ref.jobId)
    // One that has ended before is answered again: the agent may not have heard it.
    const job = held ?? (await this.#persist(() => this.#book.find(ref.jobId)))
    const foreign = job && 'agentId' in job && job.agentId !== this.#session.agentId
    this.#awaited.delete(ref.jobId)
    if (!job || job.epoch !== ref.epoch || foreign) return this.#stale(ref)
    if (held) {
      this.#answered(held)
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
    const lose = () => this.#about(ids(job), () => this.#lost(job))
    const waitMs = at ? at.getTime() - this.#clock.now().getTime() : 0
    if (waitMs <= 0) lose()
    else this.#losing.set(job.jobId, this.#clock.setTimer(waitMs, lose))
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
    this.#unanswered.get(job.jobId)?.cancelTimer()
    return this.#unanswered.delete(job.jobId)
  }

  /** The rows say something newer of it. */
  async #outdated(job: HeldJob): Promise<void> {
    const known = await this.#persist(() => this.#book.find(job.jobId))
    if (this.#held.get(job.jobId) !== job) return
    if (!this.#lacksLog(job, known)) return this.#drop(job)
    this.#awaited.add(job.jobId)
    this.#endKnown(ids(job))
    this.#free(job.jobId)
  }

  /** All but its log: it has no slot any more, and waits neither for its secrets nor for another answer. */
  #endKnown({ jobId, epoch }: { jobId: string; epoch: number }): void {
    this.#session.send({ case: 'finishedAck', value: { job: { jobId, epoch }, logComplete: false } })
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

  #holds(ref: { jobId: string; epoch: number }): boolean {
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

  #about<Ref extends { jobId: string }>(ref: Ref | undefined, work: (ref: Ref) => Promise<void>): void {
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
