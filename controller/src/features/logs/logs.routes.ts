// The raw bytes of a log as a file, streamed row by row; a part of it when a range is asked for.
import { setImmediate } from 'node:timers/promises'
import { AppError, invalidField } from '@ansflow/proto/errors'
import { Resource } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import type { Db } from '../../platform/db.ts'
import type { Route } from '../../transport/routes.ts'
import { findAttempt, notStarted } from './find-attempt.ts'
import type { LogWatch } from './log-watch.ts'
import { readRows } from './read-log.ts'

/** What a log that has ended may still need to be complete: its agent sends the last bytes within moments. */
const completeMs = 5000

export interface LogDownloadDeps {
  db: Db
  watch: LogWatch
}

export function logDownload({ db, watch }: LogDownloadDeps): Route {
  return {
    path: '/download/runs/:runId/steps/:stepId/log',
    access: { permission: 'run.read', resource: Resource.RUN, param: 'runId' },
    async handle({ params, query, range, signal }) {
      const { runId = '', stepId = '' } = params
      const name = { runId, stepId, attempt: readAttempt(query.attempt) }
      let log = await findAttempt(db, name)
      if (log.ended && !log.whole) {
        await watch.complete(log.jobId, completeMs, signal)
        log = await findAttempt(db, { ...name, attempt: log.attempt })
      }
      if (log.agentId === null && !log.whole) throw notStarted(name)
      const part = range === undefined ? null : readRange(range, log.size)
      const { from, to } = part ?? { from: 0, to: log.size }
      return {
        contentType: 'text/plain; charset=utf-8',
        fileName: `${stepId}-${log.attempt}${log.whole ? '' : '.part'}.log`,
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
