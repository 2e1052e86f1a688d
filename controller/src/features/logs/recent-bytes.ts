// The bytes of logs that were stored last, for those who follow them: a line that has just been stored is not read again. Bounded: what
// is not here is in the database.
import type { Bus } from '../../platform/bus.ts'

export interface RecentBytes {
  /** Stored just now, and what other controllers are told of next. */
  add(jobId: string, offset: number, parts: Uint8Array[]): void
  forget(jobId: string): void
  /** From `offset` to the end of what is stored, if there is something and all of it is here. */
  from(jobId: string, offset: number): Buffer | undefined
}

interface Recent {
  offset: number
  data: Buffer
}

/** Of one log. Whoever follows a louder one waits for the disk rather than for us. */
const mostBytes = 16 * 1024
const mostLogs = 256

export function createRecentBytes(bus: Bus): RecentBytes {
  /** Those that grew last come last. */
  const logs = new Map<string, Recent>()
  const endOf = ({ offset, data }: Recent) => offset + data.length

  // Another controller has written on: it may have masked what is here.
  bus.subscribe('log.grew', ({ jobId, size }) => {
    const recent = logs.get(jobId)
    if (recent && endOf(recent) !== size) logs.delete(jobId)
  })

  return {
    add(jobId, offset, parts) {
      const known = logs.get(jobId)
      logs.delete(jobId)
      const follows = known && endOf(known) === offset
      const all = follows ? [known.data, ...parts] : parts
      const size = all.reduce((sum, part) => sum + part.length, 0)
      if (size === 0) return
      // A copy: a few bytes must not hold all that they came with.
      const data = Buffer.concat(size > mostBytes ? parts : all)
      if (data.length > mostBytes) return
      logs.set(jobId, { offset: data.length === size && follows ? known.offset : offset, data })
      for (const oldest of logs.keys()) {
        if (logs.size <= mostLogs) break
        logs.delete(oldest)
      }
    },
    forget: (jobId) => void logs.delete(jobId),
    from(jobId, offset) {
      const recent = logs.get(jobId)
      const at = recent ? offset - recent.offset : -1
      return recent && at >= 0 && at < recent.data.length ? recent.data.subarray(at) : undefined
    },
  }
}
