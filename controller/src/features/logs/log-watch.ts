// Following logs as they grow. Every piece is read when its reader asks for it, so a slow reader costs nothing, and readers
// at the same place share one reading.
import { notFound } from '@ansflow/proto/errors'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import { createBell, createWatch } from '../../platform/watch.ts'
import { type JobLog, jobLog, jobLogs } from '../runs/index.ts'
import { endOf, type LogEnd, type LostAmong } from './log-end.ts'
import { readBytes } from './read-log.ts'
import type { RecentBytes } from './recent-bytes.ts'

/** `complete`: the data ends the log. */
export interface LogTail extends LogEnd {
  offset: number
  data: Buffer
}

export interface LogWatch {
  /** From `offset` until the log is complete. */
  follow(jobId: string, offset: number, signal: AbortSignal): AsyncGenerator<LogTail>
  /** Until the log is complete, or for this long. */
  complete(jobId: string, ms: number, signal: AbortSignal): Promise<void>
  stop(): void
}

interface Deps {
  db: Db
  bus: Bus
  clock: Clock
  log: Logger
  recent: RecentBytes
  lostAmong: LostAmong
}

const pieceBytes = 256 * 1024
const version = (size: number, complete: boolean) => size * 2 + (complete ? 1 : 0)

export function createLogWatch({ db, bus, clock, log, recent, lostAmong }: Deps): LogWatch {
  const reading = new Map<string, Promise<LogTail | null>>()
  const watch = createWatch({
    bus,
    clock,
    log,
    subject: 'log.grew',
    keyOf: ({ jobId }) => jobId,
    versionOf: ({ size, complete }) => version(size, complete),
    async readVersions(keys) {
      const found = (await jobLogs(db, keys)).map(async (head) => {
        const { complete } = await endOf(head, lostAmong)
        return [head.jobId, version(head.size, complete)] as const
      })
      return new Map(await Promise.all(found))
    },
  })

  /** What is stored at `offset`, empty when nothing is; null: there is no such log. */
  function next(jobId: string, offset: number): Promise<LogTail | null> {
    // A reading that began before the last news must not be shared with those whom the news woke.
    const key = `${jobId} ${offset} ${watch.version(jobId)}`
    let tail = reading.get(key)
    if (!tail) {
      tail = read(jobId, offset).finally(() => reading.delete(key))
      reading.set(key, tail)
    }
    return tail
  }

  async function read(jobId: string, offset: number): Promise<LogTail | null> {
    const head = await jobLog(db, jobId)
    if (!head) return null
    const wanted = Math.min(pieceBytes, head.size - offset)
    const data = wanted > 0 ? await readBytes(db, jobId, offset, wanted) : Buffer.alloc(0)
    return { offset, data, ...(await endAt(head, offset + data.length)) }
  }

  /** Of what is stored up to `offset`. */
  async function endAt(head: JobLog, offset: number): Promise<LogEnd> {
    return offset >= head.size ? endOf(head, lostAmong) : { complete: false, part: false }
  }

  return {
    async *follow(jobId, offset, signal) {
      const bell = createBell()
      // Before the first look, so that nothing falls between looking and listening.
      const end = watch.listen(jobId, bell.ring)
      signal.addEventListener('abort', bell.ring)
      try {
        let at = offset
        while (!signal.aborted) {
          const stored = recent.from(jobId, at)
          if (stored) {
            yield { offset: at, data: stored, complete: false, part: false }
            at += stored.length
            continue
          }
          const tail = await next(jobId, at)
          if (!tail) throw notFound('log', jobId)
          at += tail.data.length
          if (tail.data.length > 0 || tail.complete) yield tail
          if (tail.complete) return
          if (tail.data.length === 0) await bell.wait()
        }
      } finally {
        signal.removeEventListener('abort', bell.ring)
        end()
      }
    },
    async complete(jobId, ms, signal) {
      const bell = createBell()
      const end = watch.listen(jobId, bell.ring)
      signal.addEventListener('abort', bell.ring)
      let isLate = false
      const cancel = clock.setTimer(ms, () => {
        isLate = true
        bell.ring()
      })
      try {
        while (!isLate && !signal.aborted) {
          const head = await jobLog(db, jobId)
          if (!head || (await endOf(head, lostAmong)).complete) return
          await bell.wait()
        }
      } finally {
        cancel()
        signal.removeEventListener('abort', bell.ring)
        end()
      }
    },
    stop: watch.stop,
  }
}
