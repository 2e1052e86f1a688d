// LogService.
import { invalidField } from '@ansflow/proto/errors'
import { LogService } from '@ansflow/proto/gen/ansflow/v1/logs_pb'
import type { Db } from '../../platform/db.ts'
import type { Watch } from '../../platform/watch.ts'
import type { Workers } from '../../platform/workers.ts'
import { personOf, type ServiceTable, serviceTable } from '../../transport/call.ts'
import { type AttemptLog, awaitAttempt, findAttempt } from './find-attempt.ts'
import { endOf, type LostAmong } from './log-end.ts'
import type { LogWatch } from './log-watch.ts'
import { readLines } from './read-lines.ts'
import { readBytes } from './read-log.ts'
import { searchLog } from './search-log.ts'

const defaultRead = 64 * 1024
const maxRead = 1024 * 1024
const defaultLines = 500
const maxLines = 2000
const defaultHits = 1000
const maxHits = 10_000

interface Deps {
  db: Db
  watch: LogWatch
  runWatch: Watch
  workers: Workers
  lostAmong: LostAmong
}

export function logsApi({ db, watch, runWatch, workers, lostAmong }: Deps): ServiceTable {
  /** Of what is known up to `offset`. */
  const endAt = async (log: AttemptLog, offset: number) =>
    offset >= log.size ? endOf(log, lostAmong) : { complete: false, part: false }

  return serviceTable(LogService, {
    async readLog({ runId, stepId, attempt, offset, limit }) {
      const log = await findAttempt(db, { runId, stepId, attempt })
      const from = offsetOf(offset)
      const data = await readBytes(db, log.jobId, from, bounded('limit', limit, defaultRead, maxRead))
      const nextOffset = from + data.length
      return { data, nextOffset: BigInt(nextOffset), ...(await endAt(log, nextOffset)) }
    },

    async *followLog({ runId, stepId, attempt, offset }, ctx) {
      const log = await awaitAttempt(db, runWatch, { runId, stepId, attempt }, ctx.signal)
      if (!log) return
      for await (const tail of watch.follow(log.jobId, offsetOf(offset), ctx.signal)) {
        const { data, offset: from, ...end } = tail
        yield { data, nextOffset: BigInt(from + data.length), ...end }
      }
    },

    async readLines({ runId, stepId, attempt, firstLine, maxLines: wanted }) {
      const log = await findAttempt(db, { runId, stepId, attempt })
      const read = await readLines(db, log.jobId, firstLine, bounded('max_lines', wanted, defaultLines, maxLines))
      return {
        lines: read.lines,
        totalLines: read.totalLines,
        totalBytes: BigInt(read.totalBytes),
        ...(await endAt(log, read.totalBytes)),
      }
    },

    async *searchLog({ runId, stepId, attempt, query, regex, matchCase, maxHits: wanted, firstLine }, ctx) {
      const limit = bounded('max_hits', wanted, defaultHits, maxHits)
      const log = await findAttempt(db, { runId, stepId, attempt })
      let found = 0
      // One more than asked for tells whether there are more.
      const { jobId, size } = log
      const looked = { query, regex, matchCase }
      const by = personOf(ctx).userId
      const wantedHere = { query: looked, firstLine: Math.max(1, firstLine), maxHits: limit + 1 }
      for await (const hits of searchLog({ db, workers, jobId, size, ...wantedHere, by })) {
        if (ctx.signal.aborted) return
        const some = hits.slice(0, limit - found)
        found += hits.length
        if (some.length > 0) yield { hits: some }
      }
      yield { hits: [], done: found <= limit, limitReached: found > limit }
    },
  })
}

function offsetOf(offset: bigint): number {
  if (offset < 0n || offset > BigInt(Number.MAX_SAFE_INTEGER)) throw invalidField('offset', 'must be 0 or more')
  return Number(offset)
}

function bounded(field: string, value: number, fallback: number, max: number): number {
  if (value < 0 || value > max) throw invalidField(field, `must be 0 to ${max}`)
  return value || fallback
}
