// Waking whoever waits for one of many things to change: one bus subscription for all of them, and one slow look at the
// database for what the bus may have lost.
import type { Bus, Messages, Subject } from './bus.ts'
import type { Clock } from './clock.ts'
import type { Logger } from './log.ts'

export interface Watch {
  /** Calls `wake` whenever the thing may have changed, until the answer is called. */
  listen(key: string, wake: () => void): () => void
  /** The newest version anybody told of while somebody listened: what was read before that is old. */
  version(key: string): number
  stop(): void
}

export interface WatchOptions<S extends Subject> {
  bus: Bus
  clock: Clock
  log: Logger
  subject: S
  keyOf(message: Messages[S]): string
  /** Grows with every change. */
  versionOf(message: Messages[S]): number
  /** The versions of these things as stored. */
  readVersions(keys: string[]): Promise<Map<string, number>>
}

const lookEveryMs = 3000

export function createWatch<S extends Subject>(options: WatchOptions<S>): Watch {
  const { bus, clock, log, subject, keyOf, versionOf, readVersions } = options
  const watched = new Map<string, { version: number; wakes: Set<() => void> }>()
  let cancelTimer: (() => void) | undefined
  let stopped = false

  const unsubscribe = bus.subscribe(subject, (message) => told(keyOf(message), versionOf(message)))

  function told(key: string, version: number): void {
    const entry = watched.get(key)
    if (!entry || version <= entry.version) return
    entry.version = version
    for (const wake of entry.wakes) wake()
  }

  function lookLater(): void {
    if (stopped || cancelTimer || watched.size === 0) return
    cancelTimer = clock.setTimer(lookEveryMs, () => {
      look()
        .catch((error: unknown) => log.warn({ err: error, subject }, 'a look for lost messages failed'))
        .finally(() => {
          cancelTimer = undefined
          lookLater()
        })
    })
  }

  async function look(): Promise<void> {
    const keys = [...watched.keys()]
    for (let at = 0; at < keys.length; at += 500) {
      for (const [key, version] of await readVersions(keys.slice(at, at + 500))) told(key, version)
    }
  }

  return {
    listen(key, wake) {
      const entry = watched.get(key) ?? { version: 0, wakes: new Set() }
      watched.set(key, entry)
      entry.wakes.add(wake)
      lookLater()
      return () => {
        entry.wakes.delete(wake)
        if (entry.wakes.size === 0 && watched.get(key) === entry) watched.delete(key)
      }
    },
    version: (key) => watched.get(key)?.version ?? 0,
    stop() {
      stopped = true
      cancelTimer?.()
      unsubscribe()
      for (const { wakes } of watched.values()) for (const wake of wakes) wake()
    },
  }
}

/** Remembers a ring that came while nobody waited. */
export interface Bell {
  ring(): void
  /** Resolves at once when it has rung since the last wait. */
  wait(): Promise<void>
}

export function createBell(): Bell {
  let rung = false
  let answer: (() => void) | undefined
  return {
    ring() {
      rung = true
      answer?.()
    },
    async wait() {
      if (!rung) {
        await new Promise<void>((resolve) => {
          answer = resolve
        })
        answer = undefined
      }
      rung = false
    },
  }
}
