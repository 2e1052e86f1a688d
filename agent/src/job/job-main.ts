// Owns following a job's main to its end: what it prints goes into the log as it comes, and its end is told once all of that is in.
import type { LogSpool } from '../log/log-spool.ts'
import type { Main, MainEnd } from '../steps/step-kind.ts'

export interface MainEvents {
  /** True once it has been told that it runs. */
  started(at: number): void
  grew(): void
  ended(end: MainEnd): Promise<void>
  /** Its log cannot be kept; it is ended. */
  failed(error: unknown): void
}

export class JobMain {
  readonly main: Main
  readonly #spool: () => LogSpool | undefined
  readonly #events: MainEvents
  #isStarted = false
  #isOver = false
  #pumping = false
  /** Something happened while it was pumping. */
  #lookAgain = false

  constructor(main: Main, spool: () => LogSpool | undefined, events: MainEvents) {
    this.main = main
    this.#spool = spool
    this.#events = events
  }

  /** Whether it has noted itself, what it has written, whether it has ended. */
  readonly look = (): void => {
    if (this.#isOver) return
    try {
      this.noteStart()
      void this.#pump()
    } catch (error) {
      this.#events.failed(error)
    }
  }

  noteStart(): void {
    if (this.#isStarted) return
    const at = this.main.startedAt()
    if (at === undefined) return
    this.#isStarted = true
    this.#events.started(at)
  }

  /** Now and then: for silent file systems, and processes that others have ended. */
  tick(): void {
    if (this.#isOver) return
    this.look()
    const lost = this.main.vanished()
    if (lost !== undefined) void this.over({ lost })
  }

  /** It has ended, if not in the usual way then in this one. */
  async over(end: MainEnd): Promise<void> {
    await this.#pump()
    if (!this.#isOver) await this.#end(this.main.ended() ?? end)
  }

  /** Nothing of it is wanted any more. */
  leave(): void {
    this.#isOver = true
    this.main.unfollow()
  }

  async #end(end: MainEnd): Promise<void> {
    this.noteStart()
    this.leave()
    await this.#events.ended(end)
  }

  async #pump(): Promise<void> {
    this.#lookAgain = true
    const spool = this.#spool()
    if (this.#pumping || !spool) return
    this.#pumping = true
    try {
      let end: MainEnd | undefined
      for (let more = true; more && !this.#isOver; ) {
        // Read before the output: what was written before the end is then in the output.
        end = this.main.ended()
        this.#lookAgain = false
        more = (await spool.pump()) || (end === undefined && this.#lookAgain)
        // The last bytes go together with the message that they are the last.
        if (more || end === undefined) this.#events.grew()
      }
      if (end !== undefined && !this.#isOver) await this.#end(end)
    } catch (error) {
      // A step whose log cannot be kept (disk full) would go on unseen; it is ended.
      if (!this.#isOver) this.#events.failed(error)
    } finally {
      this.#pumping = false
    }
  }
}
