// How much of something each of many may do in a time: so much at once, then so much a second. Whoever is within it costs a
// number; whoever has been quiet costs nothing.

export interface Rate {
  perSecond: number
  /** What may be done at once after a quiet time. */
  burst: number
}

export interface Meter {
  /** Counts `amount`; also when that is more than was left: the rest is owed. */
  spend(key: string, amount: number): void
  /** Milliseconds until something is left; 0: there is. */
  waitMs(key: string): number
}

const sweepSize = 10_000

export function meter({ perSecond, burst }: Rate, now: () => number = () => performance.now()): Meter {
  /** When all that was done would be paid for. */
  const paidAt = new Map<string, number>()
  const burstMs = (burst / perSecond) * 1000

  return {
    spend(key, amount) {
      const at = now()
      if (paidAt.size >= sweepSize) for (const [other, paid] of paidAt) if (paid <= at) paidAt.delete(other)
      paidAt.set(key, Math.max(paidAt.get(key) ?? at, at) + (amount / perSecond) * 1000)
    },
    waitMs(key) {
      const owed = (paidAt.get(key) ?? 0) - now()
      return Math.max(0, owed - burstMs + 1000 / perSecond)
    },
  }
}
