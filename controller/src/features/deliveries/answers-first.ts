// Whoever sends waits for an answer, and what was sent can wait: while many send and answers take long, work on what has come begins later.
import type { Clock } from '../../platform/clock.ts'

/** So many within `recentMs` are a storm. */
const many = 5
const recentMs = 500
const longMs = 50
const lookMs = 50
/** A delivery waits two seconds and no longer: a storm without end is worked off too. */
const mostLooks = 40

export interface AnswersFirst {
  /** One has been given, after `tookMs`. */
  answered(tookMs: number): void
  /** Resolves when work may begin, and when `stopping` aborts. */
  turn(stopping: AbortSignal): Promise<void>
}

export function answersFirst(clock: Clock): AnswersFirst {
  /** When the last ones came, the oldest first. */
  const came: number[] = []
  let lastLongAt = Number.NEGATIVE_INFINITY
  const now = () => clock.now().getTime()

  function isStorm(): boolean {
    const at = now()
    return at - lastLongAt < recentMs && came.length === many && at - came[0]! < recentMs
  }

  return {
    answered(tookMs) {
      const at = now()
      came.push(at)
      if (came.length > many) came.shift()
      if (tookMs >= longMs) lastLongAt = at
    },
    async turn(stopping) {
      for (let looks = 0; looks < mostLooks && isStorm() && !stopping.aborted; looks++) {
        await new Promise<void>((resolve) => clock.setTimer(lookMs, resolve))
      }
    },
  }
}
