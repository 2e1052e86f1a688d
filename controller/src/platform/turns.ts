// Sharing the event loop: who has work that many may have at once does it when this turn of the loop has time left for it.
export { setImmediate as nextTurn } from 'node:timers/promises'

/** Such work a turn, over all callers; the piece that passes it is the last one. */
const budgetMs = 10

let usedMs = 0

/** To be asked right before the work, without waiting in between: others may use the time up. If so, `nextTurn` and ask again. */
export function isTurnUsedUp(): boolean {
  return usedMs > budgetMs
}

/** `began`: as performance.now() said before the work. */
export function spent(began: number): void {
  if (usedMs === 0) setImmediate(() => (usedMs = 0))
  usedMs += Math.max(Number.MIN_VALUE, performance.now() - began)
}
