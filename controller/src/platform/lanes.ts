// Work that a loop begins and does not wait for: one thing at a time for each key, so many keys at once. Who is slow holds up itself.
import type { Logger } from './log.ts'

export interface Lanes {
  readonly isFull: boolean
  /** That something is being done for. */
  keys(): string[]
  /** Does nothing where there is work for it already. Errors are logged. */
  begin(key: string, work: () => Promise<void>): void
  /** Resolves when all that was begun has ended. */
  ended(): Promise<void>
}

/** `left`: told when something has ended well: there may be more to begin. */
export function lanes(options: { atOnce: number; left: () => void; log: Logger; name: string }): Lanes {
  const { atOnce, left, log, name } = options
  const busy = new Map<string, Promise<void>>()

  async function go(key: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      log.error({ err: error, lane: name, key }, 'some work failed; it is done again at its time')
      busy.delete(key)
      return
    }
    busy.delete(key)
    left()
  }

  return {
    get isFull() {
      return busy.size >= atOnce
    },
    keys: () => [...busy.keys()],
    begin(key, work) {
      if (!busy.has(key)) busy.set(key, go(key, work))
    },
    async ended() {
      await Promise.all(busy.values())
    },
  }
}
