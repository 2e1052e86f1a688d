// Searching a log: some rows at a time, in order, on a worker's thread, hits as they are found.
import { AppError } from '@ansflow/proto/errors'
import type { Db } from '../../platform/db.ts'
import type { TaskFile, Workers } from '../../platform/workers.ts'
import { type LogHitInit, stateAt } from './line-search.ts'
import type { LogTables } from './log-tables.ts'
import type { Query } from './matcher.ts'
import { rowWhereLineBegins } from './read-lines.ts'
import { readRows } from './read-log.ts'

const tasks: TaskFile<typeof import('./search-tasks.ts')> = { url: new URL('./search-tasks.ts', import.meta.url).href }

const pieceBytes = 512 * 1024
/** Of the workers' processor time that one search may take. */
const longestMs = 30_000

export interface LogSearch {
  db: Db
  workers: Workers
  jobId: string
  /** Bytes of the log that are searched. */
  size: number
  query: Query
  /** From 1. */
  firstLine?: number
  maxHits: number
  /** Who searches. */
  by: string
}

/** Hits of some rows; ends when `size` bytes were searched or `maxHits` were found. Throws when the query is no pattern. */
export async function* searchLog(search: LogSearch): AsyncGenerator<LogHitInit[]> {
  const { db, workers, jobId, size, query, firstLine = 1, maxHits, by } = search
  const begin = await rowWhereLineBegins(db.kysely<LogTables>(), jobId, firstLine - 1)
  if (!begin) return
  let state = stateAt(begin.firstLine + 1)
  let data: Uint8Array[] = []
  let bytes = 0
  let workMs = 0
  let isFull = false

  async function piece(isLast: boolean): Promise<LogHitInit[]> {
    const found = await workers.run(tasks, 'searchPiece', { query, firstLine, maxHits, state, data, isLast }, by)
    workMs += found.usedMs
    if (workMs > longestMs) {
      throw new AppError('resource_exhausted', 'The search takes too long. Look for something simpler.', {
        reason: 'too_much_work',
      })
    }
    state = found.state
    isFull = found.full
    data = []
    bytes = 0
    return found.hits
  }

  for await (const row of readRows(db, jobId, begin.offset, size)) {
    data.push(row.data)
    bytes += row.data.length
    if (bytes < pieceBytes) continue
    const hits = await piece(false)
    if (hits.length > 0) yield hits
    if (isFull) return
  }
  const hits = await piece(true)
  if (hits.length > 0) yield hits
}
