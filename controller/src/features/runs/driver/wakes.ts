// One timer a run, for the earliest moment at which it wants to be looked at. The sweep finds what a lost timer missed.
import type { Clock } from '../../../platform/clock.ts'

export interface RunWakes {
  at(runId: string, at: Date): void
  forget(runId: string): void
  stop(): void
}

export function runWakes(clock: Clock, wake: (runId: string) => void): RunWakes {
  const timers = new Map<string, { at: Date; cancel: () => void }>()
  function forget(runId: string): void {
    timers.get(runId)?.cancel()
    timers.delete(runId)
  }
  return {
    at(runId, at) {
      const known = timers.get(runId)
      if (known && known.at <= at) return
      forget(runId)
      const cancel = clock.setTimer(at.getTime() - clock.now().getTime(), () => {
        timers.delete(runId)
        wake(runId)
      })
      timers.set(runId, { at, cancel })
    },
    forget,
    stop() {
      for (const runId of [...timers.keys()]) forget(runId)
    },
  }
}
