// Work that many may ask for: those who ask while it is under way share the next, because this one may have passed what they want.

interface Round<T> {
  done: Promise<T>
  askers: number
  abort: AbortController
}

/** It is aborted when nobody waits for it any more; whoever aborts stops waiting at once. */
export function sharedWork<T>(work: (signal: AbortSignal) => Promise<T>): (signal: AbortSignal) => Promise<T> {
  let current: Round<T> | undefined
  let next: Round<T> | undefined

  function begin(after: Promise<unknown>): Round<T> {
    const abort = new AbortController()
    const done = after
      .catch(() => undefined)
      .then(() => {
        current = round
        if (next === round) next = undefined
        return work(abort.signal)
      })
      .finally(() => {
        if (current === round) current = undefined
      })
    done.catch(() => undefined)
    const round: Round<T> = { askers: 0, abort, done }
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
      return await Promise.race([round.done, left])
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

/** The same of each name by itself; nothing is kept of those that nobody asks for. */
export function sharedByName<T>(
  work: (name: string, signal: AbortSignal) => Promise<T>,
): (name: string, signal: AbortSignal) => Promise<T> {
  const all = new Map<string, { shared: (signal: AbortSignal) => Promise<T>; askers: number }>()
  return async (name, signal) => {
    const one = all.get(name) ?? { shared: sharedWork((until) => work(name, until)), askers: 0 }
    all.set(name, one)
    one.askers += 1
    try {
      return await one.shared(signal)
    } finally {
      one.askers -= 1
      if (one.askers === 0) all.delete(name)
    }
  }
}
