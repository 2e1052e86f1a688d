// Time as an argument: the system's clock, and a clock for tests that moves only when told.

export interface Clock {
  now(): Date
  /** Calls `fire` once after `ms`; the answer cancels it. Does not keep the process alive. */
  setTimer(ms: number, fire: () => void): () => void
}

const longestTimer = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => new Date(),
  setTimer(ms, fire) {
    const timer = setTimeout(fire, Math.min(Math.max(0, ms), longestTimer))
    timer.unref()
    return () => clearTimeout(timer)
  },
}

export interface ManualClock extends Clock {
  /** Moves time on and fires what is due, in order. */
  advance(ms: number): void
}

export function manualClock(start: Date = new Date('2030-01-01T00:00:00.000Z')): ManualClock {
  let now = start.getTime()
  let timers: { at: number; fire: () => void }[] = []
  return {
    now: () => new Date(now),
    setTimer(ms, fire) {
      const timer = { at: now + Math.max(0, ms), fire }
      timers.push(timer)
      return () => {
        timers = timers.filter((other) => other !== timer)
      }
    },
    advance(ms) {
      const end = now + ms
      for (;;) {
        const due = timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0]
        if (!due) break
        timers = timers.filter((timer) => timer !== due)
        now = Math.max(now, due.at)
        due.fire()
      }
      now = end
    },
  }
}
