// Sharing the event loop: who has work that many may have at once does it when this turn of the loop has time left for it.
import type { Pieces } from '@ansflow/proto/pieces'

/** Such work a turn, over all callers; the piece that passes it is the last one. */
const budgetMs = 10

/** Woken in a turn: some of them do work that is not counted before they ask again. */
const mostWoken = 64

let usedMs = 0
/** Who has waited longest comes first, one after the other as long as the turn has time: whoever goes on for long keeps nobody from theirs. */
const waiting: (() => void)[] = []
let isTurnComing = false

/** To be asked right before the work, without waiting in between: others may use the time up. If so, `nextTurn` and ask again. */
export function isTurnUsedUp(): boolean {
  return usedMs > budgetMs
}

export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve)
    awaitTurn()
  })
}

/** `began`: as performance.now() said before the work. */
export function spent(began: number): void {
  usedMs += Math.max(Number.MIN_VALUE, performance.now() - began)
  awaitTurn()
}

function awaitTurn(): void {
  if (isTurnComing) return
  isTurnComing = true
  setImmediate(() => {
    isTurnComing = false
    usedMs = 0
    wake(mostWoken)
  })
}

function wake(most: number): void {
  const next = waiting.shift()
  if (!next) return
  next()
  // Behind what that one does now.
  queueMicrotask(() => {
    if (most > 1 && !isTurnUsedUp()) wake(most - 1)
    else if (waiting.length > 0) awaitTurn()
  })
}

const sliceMs = 5

/** As many pieces in each turn of the event loop as it has time for. Other things happen in between. */
export async function inTurns<T>(work: Pieces<T>): Promise<T> {
  for (;;) {
    while (isTurnUsedUp()) await nextTurn()
    const began = performance.now()
    let piece = work.next()
    while (!piece.done && performance.now() - began < sliceMs) piece = work.next()
    spent(began)
    if (piece.done) return piece.value
  }
}
