// Reading a log by line numbers: the row a line begins in is looked up, and of a line longer than a row only its beginning
// is unpacked.
import type { LogLineSchema } from '@ansflow/proto/gen/ansflow/v1/logs_pb'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { Db } from '../../platform/db.ts'
import { unpackTimes } from './line-times.ts'
import { type LogChunkRow, type LogKysely, type LogTables, unpackData } from './log-tables.ts'

export type LogLineInit = MessageInitShape<typeof LogLineSchema>

/** Bytes of one line that are shown. */
export const maxLineBytes = 16 * 1024
/** Bytes of one answer: fewer lines when they are long. */
const maxAnswerBytes = 2 * 1024 * 1024
const rowsAPage = 64
const newline = 10

type RowHead = Pick<
  LogChunkRow,
  'byte_offset' | 'size' | 'first_line' | 'line_count' | 'ends_line' | 'base_ms' | 'line_ms'
>
const headColumns = ['byte_offset', 'size', 'first_line', 'line_count', 'ends_line', 'base_ms', 'line_ms'] as const

export interface LinesRead {
  lines: LogLineInit[]
  totalLines: number
  totalBytes: number
}

/** `first` counts from 1, or from the end when negative (-1 is the last line). */
export async function readLines(db: Db, jobId: string, first: number, max: number): Promise<LinesRead> {
  const tables = db.kysely<LogTables>()
  const { totalLines, totalBytes } = await countLines(tables, jobId)
  const from = first < 0 ? Math.max(0, totalLines + first) : Math.max(0, first - 1)
  const until = Math.min(totalLines, from + max)
  const reader = new LineReader(from, until)
  let at: number | null = (await rowWhereLineBegins(tables, jobId, from))?.offset ?? null
  while (at !== null && !reader.full) {
    const heads = await readHeads(tables, jobId, at)
    for (const head of heads) {
      if (reader.full) break
      reader.row(head, reader.needsBytes(head) ? await readData(tables, jobId, head) : null)
    }
    const last = heads.at(-1)
    at = last && heads.length === rowsAPage ? Number(last.byte_offset) + last.size : null
  }
  return { lines: reader.end(), totalLines, totalBytes }
}

/** An unfinished last line counts. */
export async function countLines(db: LogKysely, jobId: string): Promise<{ totalLines: number; totalBytes: number }> {
  const last = await db
    .selectFrom('log_chunk')
    .select(['byte_offset', 'size', 'first_line', 'line_count', 'ends_line'])
    .where('job_id', '=', jobId)
    .orderBy('byte_offset', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (!last) return { totalLines: 0, totalBytes: 0 }
  return {
    totalLines: last.first_line + last.line_count + (last.ends_line ? 0 : 1),
    totalBytes: Number(last.byte_offset) + last.size,
  }
}

/** Lines count from 0 here. Line n begins behind the end of line n-1, which is in the last row that begins in line n-1 or before. */
export async function rowWhereLineBegins(
  db: LogKysely,
  jobId: string,
  line: number,
): Promise<{ offset: number; firstLine: number } | undefined> {
  if (line === 0) return { offset: 0, firstLine: 0 }
  const row = await db
    .selectFrom('log_chunk')
    .select(['byte_offset', 'first_line'])
    .where('job_id', '=', jobId)
    .where('first_line', '<=', line - 1)
    .orderBy('first_line', 'desc')
    .orderBy('byte_offset', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row && { offset: Number(row.byte_offset), firstLine: row.first_line }
}

/** The lines, from 1, in which these bytes are; 0 where they are not stored. */
export async function linesAt(db: Db, jobId: string, offsets: readonly number[]): Promise<number[]> {
  const tables = db.kysely<LogTables>()
  const lines: number[] = []
  let row: Pick<LogChunkRow, 'byte_offset' | 'size' | 'first_line'> | undefined
  let data: Buffer = Buffer.alloc(0)
  for (const offset of offsets) {
    if (!row || offset < Number(row.byte_offset) || offset >= Number(row.byte_offset) + row.size) {
      const found = await tables
        .selectFrom('log_chunk')
        .select(['byte_offset', 'size', 'first_line', 'data'])
        .where('job_id', '=', jobId)
        .where('byte_offset', '<=', offset)
        .orderBy('byte_offset', 'desc')
        .limit(1)
        .executeTakeFirst()
      const isThere = found !== undefined && offset < Number(found.byte_offset) + found.size
      row = isThere ? found : undefined
      data = isThere ? unpackData(found) : Buffer.alloc(0)
    }
    lines.push(row ? row.first_line + countOf(data, newline, offset - Number(row.byte_offset)) + 1 : 0)
  }
  return lines
}

function countOf(data: Buffer, byte: number, before: number): number {
  let count = 0
  for (let at = data.indexOf(byte); at >= 0 && at < before; at = data.indexOf(byte, at + 1)) count++
  return count
}

function readHeads(db: LogKysely, jobId: string, from: number): Promise<RowHead[]> {
  return db
    .selectFrom('log_chunk')
    .select(headColumns)
    .where('job_id', '=', jobId)
    .where('byte_offset', '>=', from)
    .orderBy('byte_offset')
    .limit(rowsAPage)
    .execute()
}

async function readData(db: LogKysely, jobId: string, head: RowHead): Promise<Buffer | null> {
  const row = await db
    .selectFrom('log_chunk')
    .select(['data', 'size'])
    .where('job_id', '=', jobId)
    .where('byte_offset', '=', head.byte_offset)
    .executeTakeFirst()
  // A small last row may just have grown; what it holds beyond is read next time.
  return row ? unpackData(row).subarray(0, head.size) : null
}

/** Gathers lines `from` to before `until` out of rows given in order. */
class LineReader {
  full = false
  readonly #from: number
  readonly #until: number
  readonly #lines: LogLineInit[] = []
  #bytes = 0
  #open: { number: number; offset: number; parts: Buffer[]; kept: number; size: number } | null = null

  constructor(from: number, until: number) {
    this.#from = from
    this.#until = until
    this.full = from >= until
  }

  /** Rows inside a long line matter only by their size once its beginning is known. */
  needsBytes(head: RowHead): boolean {
    return head.line_count > 0 || (this.#open?.kept ?? 0) < maxLineBytes
  }

  row(head: RowHead, data: Buffer | null): void {
    const start = Number(head.byte_offset)
    if (!data) {
      if (this.#open) this.#open.size += head.size
      return
    }
    const times = unpackTimes(head.line_ms, Number(head.base_ms))
    let line = head.first_line
    let at = 0
    while (at < data.length && !this.full) {
      const found = data.indexOf(newline, at)
      const end = found < 0 ? data.length : found
      if (line >= this.#from) this.#add(line, start + at, data.subarray(at, end), found >= 0 ? 1 : 0)
      if (found >= 0 && line >= this.#from) this.#close(times[line - head.first_line])
      if (found >= 0) line++
      at = end + 1
    }
  }

  /** The last line may have no end yet. */
  end(): LogLineInit[] {
    if (this.#open && !this.full) this.#close(undefined)
    return this.#lines
  }

  #add(line: number, offset: number, part: Buffer, lineEnd: number): void {
    this.#open ??= { number: line + 1, offset, parts: [], kept: 0, size: 0 }
    const open = this.#open
    open.size += part.length + lineEnd
    const kept = part.subarray(0, maxLineBytes - open.kept)
    if (kept.length === 0) return
    open.parts.push(kept)
    open.kept += kept.length
  }

  #close(endedMs: number | undefined): void {
    const open = this.#open
    if (!open) return
    this.#open = null
    const text = lineText(open.parts.length === 1 && open.parts[0] ? open.parts[0] : Buffer.concat(open.parts))
    const line: LogLineInit = { number: open.number, text, offset: BigInt(open.offset), size: BigInt(open.size) }
    this.#lines.push(endedMs ? { ...line, at: timestampFromMs(endedMs) } : line)
    this.#bytes += open.kept + 32
    this.full = open.number >= this.#until || this.#bytes >= maxAnswerBytes
  }
}

const carriageReturn = 13

/** Text of a line cut at the limit: a character that the cut has split is left away. */
export function lineText(bytes: Buffer): string {
  const whole = bytes.at(-1) === carriageReturn ? bytes.subarray(0, -1) : bytes
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(whole, { stream: whole.length >= maxLineBytes })
}
