// Owns the course of a job from its start to how it has ended: its phases in their order, its time, and what ends it early.
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { sayIfKept } from '../log/job-log.ts'
import type { LogSpool } from '../log/log-spool.ts'
import { textOf } from '../log.ts'
import { mainOf } from '../steps/index.ts'
import type { MainEnd, StepContext, StepHost } from '../steps/step-kind.ts'
import { JobMain } from './job-main.ts'
import { JobPhases } from './job-phases.ts'
import type { Intent, JobFolder, Progress } from './journal.ts'
import { duration, type Ending, endingOf, failureOf, lost } from './outcome.ts'

const DEFAULT_GRACE_MS = 10_000
const MAX_TIMER_MS = 0x7fffffff

/** Whose course it is. */
export interface CourseOwner {
  spool(): LogSpool | undefined
  context(): StepContext
  /** The log may be written, since what is secret in it is known. */
  secretsKnown(): Promise<void>
  started(at: number): void
  grew(): void
  keep(intent: Intent): void
  /** Once. `hasBegun`: its main may have. */
  ended(ending: Ending, hasBegun: boolean): Promise<void>
  /** Its log or its folder cannot be kept. */
  failed(reason: string): void
}

export class JobCourse {
  intent: Intent | undefined
  /** Of its first phase. */
  startedAt: number | undefined
  readonly #folder: JobFolder
  readonly #owner: CourseOwner
  readonly #phases: JobPhases
  /** None when the job was accepted by an agent that was newer and knew more kinds. */
  readonly #main: JobMain | undefined
  #at: 'waiting' | 'setUp' | 'main' | 'after' | 'over' = 'waiting'
  #isTold = false
  #timeout: NodeJS.Timeout | undefined
  #killing: Promise<void> | undefined
  readonly #hurry = new AbortController()

  constructor(folder: JobFolder, owner: CourseOwner) {
    this.#folder = folder
    this.#owner = owner
    this.#phases = new JobPhases(folder)
    const main = mainOf(folder)
    this.#main =
      main &&
      new JobMain(main, owner.spool, {
        started: (at) => this.#onStart(at),
        grew: owner.grew,
        ended: (end) => this.#mainEnded(end),
        failed: (error) => owner.failed(`its log cannot be kept: ${textOf(error)}`),
      })
  }

  get graceMs(): number {
    return this.#folder.spec.cancelGraceMs || DEFAULT_GRACE_MS
  }

  /** Of an agent before this one. */
  restore(): Progress | undefined {
    this.intent = this.#folder.intent
    const progress = this.#phases.restore()
    this.startedAt = progress?.at
    return progress
  }

  /** Takes up the main that an agent before this one has begun. `isOver`: no more than what it may have left. */
  attach(host: StepHost, isOver: boolean): void {
    this.#at = isOver ? 'over' : 'main'
    if (!this.#main) {
      if (!isOver) void this.#end(lost('this agent is too old for its kind'))
      return
    }
    if (this.#folder.claimedBy !== 'main') return
    this.#main.main.attach(host, this.#main.look)
    this.#main.noteStart()
    if (isOver) {
      this.#stopWatching()
      this.#main.main.release()
    } else {
      if (this.startedAt !== undefined) this.#onStart(this.startedAt)
      this.#main.look()
      if (this.intent) this.kill(this.intent)
    }
  }

  async begin(): Promise<void> {
    const isWanted = () => this.#at === 'setUp' && !this.intent
    this.#at = 'setUp'
    try {
      const context = this.#owner.context()
      if (!this.#main) throw new Error('This agent is too old for this kind of step.')
      if (!this.#phases.isPlain) {
        this.#onStart(this.#phases.begin())
        await this.#phases.setUp(context, isWanted)
      }
      if (isWanted()) {
        this.#at = 'main'
        await this.#main.main.begin(context, this.#main.look)
      } else if (this.#at === 'setUp') await this.#end(this.#endingOf(undefined))
    } catch (error) {
      await this.#failed(error)
    }
  }

  /** Before main, or when it should have begun: then it is kept from it. */
  async #failed(error: unknown): Promise<void> {
    if (this.#at === 'main') {
      if (this.#folder.claim()) this.#at = 'setUp'
      else await this.#endMain(0)
    }
    await this.#end(this.intent ? this.#endingOf(undefined) : failureOf(error))
  }

  /** To the main: something may have changed. */
  look(): void {
    if (this.#at === 'main') this.#main?.look()
  }

  /** Now and then. */
  tick(): void {
    if (this.#at === 'main') this.#main?.tick()
  }

  /** Whatever is under way ends: at once what can, the rest after its grace period. */
  kill(intent: Intent): void {
    if (this.#killing || this.#at === 'over') return
    if (!this.intent) {
      this.intent = intent
      this.#owner.keep(intent)
      const timedOut = `Timed out after ${duration(this.#folder.spec.timeoutMs)}`
      const what = { canceled: 'Canceled', timedOut, fenced: 'The controller is out of reach' }[intent.kind]
      sayIfKept(this.#owner.spool(), `${what}: ending the step (TERM, after ${duration(intent.graceMs)} KILL).`)
      this.#owner.grew()
    }
    void this.#phases.stop(intent.graceMs)
    if (this.#at === 'main') this.#killing = this.#killMain(intent.graceMs)
  }

  /** Nobody wants to know how it ends: it is over when this resolves, and leaves nothing running. */
  async leave(graceMs: number): Promise<void> {
    const wasInMain = this.#at === 'main'
    this.#at = 'over'
    this.#stopWatching()
    this.#hurry.abort()
    await this.#phases.stop(graceMs)
    await this.#killing
    if (wasInMain) await this.#endMain(graceMs)
    else this.#folder.claim()
  }

  /** What phases have begun is taken back. */
  cleanUp(ending?: Ending): Promise<void> {
    return this.#phases.cleanUp(() => ({ ...this.#owner.context(), secrets: [] }), ending)
  }

  release(): void {
    this.#main?.main.release()
  }

  #onStart(at: number): void {
    // Of a job that has phases before its main it has been told when the first of them began.
    if (this.#isTold) return
    this.#isTold = true
    this.startedAt ??= at
    this.#owner.started(this.startedAt)
    const { timeoutMs } = this.#folder.spec
    if (timeoutMs === 0) return
    const elapsedMs = this.#phases.isPlain ? this.#main!.main.elapsedMs() : this.#phases.elapsedMs()
    const left = Math.min(Math.max(0, timeoutMs - elapsedMs), MAX_TIMER_MS)
    this.#timeout = setTimeout(() => this.kill({ kind: 'timedOut', graceMs: this.graceMs }), left)
  }

  async #killMain(graceMs: number): Promise<void> {
    await this.#endMain(graceMs)
    if (this.#at === 'main') void this.#main!.over({ lost: 'its process was ended' })
  }

  async #endMain(graceMs: number): Promise<void> {
    try {
      const left = (await this.#main?.main.kill(graceMs, this.#hurry.signal)) ?? 0
      if (left > 0) sayIfKept(this.#owner.spool(), `${left} processes did not end even of KILL.`)
    } catch (error) {
      sayIfKept(this.#owner.spool(), `It could not be ended: ${textOf(error)}`)
    }
  }

  async #mainEnded(end: MainEnd): Promise<void> {
    if (this.#at !== 'main') return
    // It may have been ended by the fence, while this agent was frozen or away.
    if (this.#folder.spec.selfFence) this.intent ??= this.#folder.intent
    if (!this.intent && end.lost !== undefined) return this.#end(lost(end.lost))
    const ending = { ...this.#endingOf(end.exitCode), ...(!this.intent && end.why) }
    return this.#end(!this.intent && this.#phases.hasAfter ? await this.#after(ending, end.exitCode!) : ending)
  }

  /** While it is under way the job runs on, and may be ended. */
  async #after(ending: Ending, exitCode: number): Promise<Ending> {
    this.#at = 'after'
    this.#main!.main.release()
    try {
      await this.#owner.secretsKnown()
      if (this.#at === 'after' && !this.intent) await this.#phases.after(this.#owner.context(), exitCode)
    } catch (error) {
      const failure = failureOf(error)
      sayIfKept(this.#owner.spool(), failure.reason)
      if (!this.intent && ending.outcome === Outcome.SUCCEEDED) return { ...ending, ...failure }
    }
    return this.intent ? this.#endingOf(exitCode) : ending
  }

  #endingOf(exitCode: number | undefined): Ending {
    return endingOf(exitCode, this.intent, this.#folder.spec.timeoutMs)
  }

  async #end(ending: Ending): Promise<void> {
    if (this.#at === 'over') return
    const hasBegun = this.#at !== 'setUp'
    this.#at = 'over'
    this.#stopWatching()
    await this.#killing
    this.release()
    await this.#owner.ended(ending, hasBegun)
  }

  #stopWatching(): void {
    this.#main?.leave()
    clearTimeout(this.#timeout)
  }
}
