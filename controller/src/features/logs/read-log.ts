// Reading a log by bytes: rows in order, a bounded page at a time, never the whole.
import type { Db } from '../../platform/db.ts'
import { statement } from '../../platform/statement.ts'
import { type LogTables, unpackData } from './log-tables.ts'

export interface LogSlice {
  offset: number
  data: Buffer
  refilled: boolean
}

const rowsAPage = 16

/** The stored bytes from `from` to before `to`, row by row. Ends early when less is stored. */
export async function* readRows(db: Db, jobId: string, from: number, to: number): AsyncGenerator<LogSlice> {
  let at = from
  while (at < to) {
    const { rows } = await page.execute(db.kysely<LogTables>(), { jobId, from: at, to })
    const before = at
    for (const row of rows) {
      const start = Number(row.byte_offset)
      const end = Math.min(start + row.size, to)
      if (end <= at) continue
      // One at a time, as they are asked for: unpacked they are many times larger.
      const data = unpackData(row).subarray(at - start, end - start)
      yield { offset: at, data, refilled: Boolean(row.refilled) }
      at = end
    }
    if (at === before) return
  }
}

/** The row that holds the first byte, and those behind it. */
const page = statement<LogTables, { jobId: string; from: number; to: number }>()((db, { jobId, from, to }) =>
  db
    .selectFrom('log_chunk')
    .select(['byte_offset', 'size', 'data', 'refilled'])
    .where('job_id', '=', jobId)
    // The row that holds the first byte begins at or before it.
    .where('byte_offset', '>=', (eb) =>
      eb
        .selectFrom('log_chunk as before')
        .select((inner) => inner.fn.max('before.byte_offset').as('at'))
        .where('before.job_id', '=', jobId)
        .where('before.byte_offset', '<=', from),
    )
    .where('byte_offset', '<', to)
    .orderBy('byte_offset')
    .limit(rowsAPage),
)

/** One answer's worth: at most `limit` bytes from `from`. */
export async function readBytes(db: Db, jobId: string, from: number, limit: number): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const slice of readRows(db, jobId, from, from + limit)) parts.push(slice.data)
  return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)
}
