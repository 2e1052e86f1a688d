// One shape for all background work: on a timer, earlier when woken, never twice at once, errors logged and retried.
import type { Bus, Subject } from './bus.ts'
import type { Clock } from './clock.ts'
import type { Logger } from './log.ts'

export interface Loop {
  /** Run soon. While it runs, one more run is remembered. */
  wake(): void
  /** Resolves when the run in progress has ended; none starts after. */
  stop(): Promise<void>
}

export interface LoopOptions {
  name: string
  everyMs: number
  run: (signal: AbortSignal) => Promise<void>
  wakeOn?: Subject[]
  bus: Bus
  clock: Clock
  log: Logger
}

export function loop({ name, everyMs, run, wakeOn = [], bus, clock, log }: LoopOptions): Loop {
  const stopping = new AbortController()
  let running: Promise<void> | undefined
  let again = false
  let cancelTimer: (() => void) | undefined

  const wake = () => {
    if (stopping.signal.aborted) return
    if (running) {
      again = true
      return
    }
    cancelTimer?.()
    running = runUntilQuiet().finally(() => {
      running = undefined
      if (!stopping.signal.aborted) cancelTimer = clock.setTimer(everyMs, wake)
    })
  }

  async function runUntilQuiet() {
    do {
      again = false
      try {
        await run(stopping.signal)
      } catch (error) {
        if (!stopping.signal.aborted) log.error({ err: error, loop: name }, 'a loop failed; it runs again at its time')
        return
      }
    } while (again && !stopping.signal.aborted)
  }

  const unsubscribe = wakeOn.map((subject) => bus.subscribe(subject, wake))
  cancelTimer = clock.setTimer(0, wake)

  return {
    wake,
    async stop() {
      stopping.abort()
      cancelTimer?.()
      for (const end of unsubscribe) end()
      await running
    },
  }
}
