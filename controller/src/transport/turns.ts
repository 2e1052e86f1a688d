// The order in which calls begin: a few in each turn of the event loop, those of one caller after those of another, so that
// a thousand that come at once neither hold the loop nor stand before the one call of somebody else.

export interface Turns {
  /** Resolves when it is this caller's turn. */
  turn(key: string): Promise<void>
}

const inOneTurn = 8

export function createTurns(): Turns {
  /** Who has had no turn for longest comes first. */
  const waiting = new Map<string, (() => void)[]>()
  let left = inOneTurn
  let counting = false

  function count(): void {
    left -= 1
    if (counting) return
    counting = true
    setImmediate(nextTurn)
  }

  function nextTurn(): void {
    counting = false
    left = inOneTurn
    // A key that is put back is met again behind the others.
    for (const [key, queue] of waiting) {
      if (left === 0) return
      waiting.delete(key)
      queue.shift()?.()
      if (queue.length > 0) waiting.set(key, queue)
      count()
    }
  }

  return {
    async turn(key) {
      if (left > 0 && waiting.size === 0) return count()
      await new Promise<void>((resolve) => {
        const queue = waiting.get(key)
        if (queue) queue.push(resolve)
        else waiting.set(key, [resolve])
      })
    },
  }
}
