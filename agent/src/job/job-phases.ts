// Owns what a job does around its main, for kinds that have such phases: in which order, how far it came, and that each can be
// ended. How far it came is in the journal before a phase begins, so a later agent begins that phase anew and goes on from there.
import { hostUptime } from '../process/process-table.ts'
import { kindOf } from '../steps/index.ts'
import { type AnyKind, type PhaseContext, phases, type StepContext } from '../steps/step-kind.ts'
import type { JobFolder, Progress } from './journal.ts'
import type { Ending } from './outcome.ts'

/** A clean up that hangs keeps nothing else from ending. */
const CLEAN_UP_MS = 60_000
/** After it was asked to end. */
const CLEAN_UP_GRACE_MS = 5000

export class JobPhases {
  readonly #kind: AnyKind | undefined
  readonly #folder: JobFolder
  #progress: Progress | undefined
  /** Ends the phase that is under way. */
  #stop: ((graceMs: number) => Promise<void>) | undefined

  constructor(folder: JobFolder) {
    this.#folder = folder
    this.#kind = kindOf(folder.spec)
  }

  /** There is nothing but main; nothing has to be noted. */
  get isPlain(): boolean {
    const { prepare, before, after, cleanUp } = this.#kind ?? {}
    return !prepare && !before && !after && !cleanUp
  }

  get hasAfter(): boolean {
    return this.#kind?.after !== undefined
  }

  /** Since the first began. */
  elapsedMs(): number {
    return this.#progress ? Math.max(0, (hostUptime() - this.#progress.uptime) * 1000) : 0
  }

  /** Of an agent before this one. */
  restore(): Progress | undefined {
    if (this.isPlain) return undefined
    // A crash of the host may have emptied it: whatever had begun is cleaned up all the same.
    const unknown = () => ({ phase: 'main' as const, at: this.#folder.notedAt(), uptime: hostUptime() })
    this.#progress = this.#folder.progress ?? (this.#folder.claimedBy === 'nobody' ? undefined : unknown())
    return this.#progress
  }

  /** Answers when the first began, in milliseconds; of one that an agent before this one has begun, when that was. */
  begin(): number {
    if (!this.#progress) {
      this.#progress = { phase: 'prepare', at: Date.now(), uptime: hostUptime() }
      this.#folder.progress = this.#progress
    }
    return this.#progress.at
  }

  /** Prepare and before: when they are through and nothing has ended them, main may begin. */
  async setUp(context: StepContext, isWanted: () => boolean): Promise<void> {
    for (const phase of ['prepare', 'before'] as const) {
      if (isWanted() && !this.#isPast(phase)) await this.#run(phase, context)
    }
    if (isWanted()) this.#note('main')
  }

  async after(context: StepContext, exitCode: number): Promise<void> {
    await this.#run('after', context, exitCode)
  }

  /** Whatever of it had begun. What it throws is said; it changes nothing of how the job has ended. */
  async cleanUp(context: () => StepContext, ending: Ending | undefined): Promise<void> {
    if (!this.#progress) return
    let isLate = false
    const late = setTimeout(() => {
      isLate = true
      void this.stop(CLEAN_UP_GRACE_MS)
    }, CLEAN_UP_MS)
    try {
      this.#note('cleanUp', ending)
    } catch {
      // A full disk: a later agent would go on from the phase before.
    }
    await this.#run('cleanUp', context()).finally(() => clearTimeout(late))
    if (isLate) throw new Error(`It took longer than ${CLEAN_UP_MS / 1000} s.`)
  }

  /** The phase that is under way, if any, is to end, and after the grace period is left alone. Resolves then. */
  async stop(graceMs: number): Promise<void> {
    await this.#stop?.(graceMs)
  }

  #isPast(phase: (typeof phases)[number]): boolean {
    return phases.indexOf(phase) < phases.indexOf(this.#progress?.phase ?? 'prepare')
  }

  #note(phase: (typeof phases)[number], ending?: Ending): void {
    if (this.#progress?.phase === phase) return
    this.#progress = { ...this.#progress!, phase, ...(ending && { ending }) }
    this.#folder.progress = this.#progress
  }

  async #run(phase: 'prepare' | 'before' | 'after' | 'cleanUp', context: StepContext, exitCode = 0): Promise<void> {
    if (!this.#kind?.[phase]) return
    this.#note(phase)
    const end = new AbortController()
    const given: PhaseContext = { ...context, signal: end.signal }
    const left = Promise.withResolvers<void>()
    let timer: NodeJS.Timeout | undefined
    const work = Promise.race([
      this.#kind[phase](this.#folder.spec.execution.value, given, exitCode),
      left.promise,
    ]).finally(() => {
      clearTimeout(timer)
      this.#stop = undefined
    })
    this.#stop = (graceMs) => {
      end.abort()
      timer ??= setTimeout(left.resolve, graceMs)
      return work.catch(() => {})
    }
    await work
  }
}
