// The raw bytes of a log as a file, streamed row by row; a part of it when a range is asked for. What is not complete yet is followed
// to its end, where one may be expected: an answer that ends in order and does not say otherwise is all there is.
import { setImmediate } from 'node:timers/promises'
import { AppError, invalidField, unavailable } from '@ansflow/proto/errors'
import { Resource } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import type { Db } from '../../platform/db.ts'
import type { Route } from '../../transport/routes.ts'
import { findAttempt, notStarted } from './find-attempt.ts'
import { endOf, type LostAmong } from './log-end.ts'
import type { LogWatch } from './log-watch.ts'
import { readRows } from './read-log.ts'

/** The last bytes of a job that has ended come within moments: waited for, so that the length can be told. */
const completeMs = 500

const contentType = 'text/plain; charset=utf-8'

export interface LogDownloadDeps {
  db: Db
  watch: LogWatch
  lostAmong: LostAmong
}

export function logDownload({ db, watch, lostAmong }: LogDownloadDeps): Route {
  return {
    path: '/download/runs/:runId/steps/:stepId/log',
    access: { permission: 'run.read', resource: Resource.RUN, param: 'runId' },
    async handle({ params, query, range, signal }) {
      const { runId = '', stepId = '' } = params
      const name = { runId, stepId, attempt: readAttempt(query.attempt) }
      const called = stepId.replaceAll('/', '-')
      let log = await findAttempt(db, name)
      if (log.ended && !log.whole) {
        await watch.complete(log.jobId, completeMs, signal)
        log = await findAttempt(db, { ...name, attempt: log.attempt })
      }
      if (log.agentId === null && !log.whole) throw notStarted(name)
      const isOver = log.whole || (await endOf(log, lostAmong)).complete
      if (!isOver && range === undefined && (log.ended || query.follow === 'true')) {
        const fileName = `${called}-${log.attempt}.log`
        return { contentType, fileName, body: toItsEnd(watch, log.jobId, signal) }
      }
      const part = range === undefined ? null : readRange(range, log.size)
      const { from, to } = part ?? { from: 0, to: log.size }
      return {
        contentType,
        fileName: `${called}-${log.attempt}${log.whole ? '' : '.part'}.log`,
        // A length would say that this is all there is.
        ...(log.whole || part ? { size: to - from } : {}),
        status: part ? 206 : 200,
        headers: {
          'accept-ranges': 'bytes',
          'ansflow-log-complete': String(log.whole),
          ...(part ? { 'content-range': `bytes ${from}-${to - 1}/${log.whole ? log.size : '*'}` } : {}),
        },
        body: bytes(db, log.jobId, from, to, signal),
      }
    },
  }
}

/** Breaks off when the rest does not come. */
async function* toItsEnd(watch: LogWatch, jobId: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  for await (const { data, part } of watch.follow(jobId, 0, signal)) {
    yield data
    if (part) throw unavailable('The agent was lost before it had sent all of its log.')
  }
}

async function* bytes(db: Db, jobId: string, from: number, to: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  for await (const { data } of readRows(db, jobId, from, to)) {
    if (signal.aborted) return
    yield data
    await setImmediate()
  }
}

function readAttempt(text: string | undefined): number {
  if (!text) return 0
  if (!/^\d{1,6}$/.test(text)) throw invalidField('attempt', 'must be a number')
  return Number(text)
}

/** One range of bytes; several, another unit, or an end before the start are answered with everything (null), as HTTP allows. */
export function readRange(header: string, size: number): { from: number; to: number } | null {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header.trim())
  if (!match || (match[1] === '' && match[2] === '')) return null
  const [, first = '', last = ''] = match
  if (first !== '' && last !== '' && Number(last) < Number(first)) return null
  const from = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const to = first === '' || last === '' ? size : Math.min(size, Number(last) + 1)
  if (from >= size || from >= to) {
    throw new AppError('invalid_argument', `The log has ${size} bytes; this range is outside.`, {
      reason: 'range_not_satisfiable',
      params: { size: String(size) },
    })
  }
  return { from, to }
}
