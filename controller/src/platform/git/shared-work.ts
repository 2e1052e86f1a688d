// Work that many may ask for: those who ask while it is under way share the next, because this one may have passed what they want.

interface Round {
  done: Promise<unknown>
  askers: number
  abort: AbortController
}

/** It is aborted when nobody waits for it any more; whoever aborts stops waiting at once. */
export function sharedWork(work: (signal: AbortSignal) => Promise<unknown>): (signal: AbortSignal) => Promise<void> {
  let current: Round | undefined
  let next: Round | undefined

  function begin(after: Promise<unknown>): Round {
    const abort = new AbortController()
    const round: Round = { askers: 0, abort, done: after }
    round.done = after
      .catch(() => undefined)
      .then(() => {
        current = round
        if (next === round) next = undefined
        return work(abort.signal)
      })
      .finally(() => {
        if (current === round) current = undefined
      })
    round.done.catch(() => undefined)
    return round
  }

  return async (signal) => {
    signal.throwIfAborted()
    next ??= begin(current?.done ?? Promise.resolve())
    const round = next
    round.askers += 1
    let leave = () => {}
    const left = new Promise<never>((_, reject) => {
      leave = () => reject(signal.reason)
      signal.addEventListener('abort', leave, { once: true })
    })
    try {
      await Promise.race([round.done, left])
    } finally {
      signal.removeEventListener('abort', leave)
      round.askers -= 1
      if (round.askers === 0) {
        round.abort.abort()
        if (next === round) next = undefined
      }
    }
  }
}
