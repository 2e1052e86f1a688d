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

export interface LanesLoop {
  /** Begins what is due, and waits for none of it. */
  run(signal: AbortSignal): Promise<void>
  /** Once the loop has ended: waits for what was begun, which its signal has told to end. */
  stop(): Promise<void>
}

interface LoopOptions {
  atOnce: number
  log: Logger
  name: string
  /** Looks for what is due and begins it, until the lanes are full or `stopping`. One at a time; again when something has ended. */
  scan(lanes: Lanes, stopping: AbortSignal): Promise<void>
}

export function lanesLoop({ scan, ...options }: LoopOptions): LanesLoop {
  const { log, name } = options
  let stopping = AbortSignal.abort()
  let scanning: Promise<void> | undefined
  let isAsked = false
  const begun = lanes({ ...options, left: scanSoon })

  async function scanAll(): Promise<void> {
    do {
      isAsked = false
      await scan(begun, stopping)
    } while (isAsked && !stopping.aborted)
  }

  function scanOnce(): Promise<void> {
    isAsked = true
    scanning ??= scanAll().finally(() => {
      scanning = undefined
    })
    return scanning
  }

  function scanSoon(): void {
    scanOnce().catch((error: unknown) => log.warn({ err: error, lane: name }, 'what is due could not be looked for'))
  }

  return {
    run(signal) {
      stopping = signal
      return scanOnce()
    },
    async stop() {
      await scanning?.catch(() => undefined)
      await begun.ended()
    },
  }
}
