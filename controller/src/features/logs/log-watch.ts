// Waiting for logs to grow: one bus subscription for all followers of this controller, and a slow timer in case the bus
// loses a message.
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import { readHead } from './log-head.ts'
import type { LogTables } from './log-tables.ts'
import { readBytes } from './read-log.ts'

export interface LogTail {
  offset: number
  data: Buffer
  /** The data ends a log that will not grow. */
  complete: boolean
}

export interface LogWatch {
  /** From `offset` until the log is complete. Each piece is read when it is asked for, so a slow reader costs nothing. */
  follow(jobId: string, offset: number, signal: AbortSignal): AsyncGenerator<LogTail>
  stop(): void
}

const pieceBytes = 256 * 1024
const lostMessageMs = 3000

export function createLogWatch({ db, bus, clock }: { db: Db; bus: Bus; clock: Clock }): LogWatch {
  const waiting = new Map<string, Set<() => void>>()
  const unsubscribe = bus.subscribe('log.grew', ({ jobId }) => {
    for (const wake of waiting.get(jobId) ?? []) wake()
  })

  /** Calls `wake` when the log may have grown, until the answer is called. */
  function listen(jobId: string, wake: () => void): () => void {
    const set = waiting.get(jobId) ?? new Set()
    waiting.set(jobId, set.add(wake))
    return () => {
      set.delete(wake)
      if (set.size === 0) waiting.delete(jobId)
    }
  }

  return {
    async *follow(jobId, offset, signal) {
      let grew = true
      let wake: () => void = () => undefined
      // Before the first look, so that nothing falls between looking and listening.
      const end = listen(jobId, () => {
        grew = true
        wake()
      })
      const onAbort = () => wake()
      signal.addEventListener('abort', onAbort)
      try {
        let at = offset
        let saidComplete = false
        while (!signal.aborted) {
          if (!grew) {
            await new Promise<void>((resolve) => {
              const cancel = clock.setTimer(lostMessageMs, resolve)
              wake = () => {
                cancel()
                resolve()
              }
            })
            if (signal.aborted) return
          }
          grew = false
          const head = await readHead(db.kysely<LogTables>(), jobId)
          if (!head) return
          while (at < head.size && !signal.aborted) {
            const data = await readBytes(db, jobId, at, Math.min(pieceBytes, head.size - at))
            if (data.length === 0) break
            at += data.length
            saidComplete = head.complete && at >= head.size
            yield { offset: at - data.length, data, complete: saidComplete }
          }
          if (head.complete && at >= head.size) {
            // The end may come without a byte.
            if (!saidComplete) yield { offset: at, data: Buffer.alloc(0), complete: true }
            return
          }
        }
      } finally {
        signal.removeEventListener('abort', onAbort)
        end()
      }
    },
    stop() {
      unsubscribe()
      for (const set of waiting.values()) for (const wake of set) wake()
    },
  }
}
