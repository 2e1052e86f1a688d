// The tables the log path reads and writes by hand-written statements, and the mapping between rows and bytes.
import type { Kysely } from 'kysely'
import type { LogPiece, RawRow } from './chunk.ts'
import { countOf, packTimes, timesOf, unpackTimes } from './line-times.ts'
import { compress, decompress } from './zstd.ts'

export interface LogChunkRow {
  job_id: string
  byte_offset: number
  size: number
  data: Uint8Array
  first_line: number
  line_count: number
  ends_line: number
  base_ms: number
  line_ms: Uint8Array
  refilled: number
}

export interface LogTables {
  log_chunk: LogChunkRow
}

export type LogKysely = Kysely<LogTables>

export async function packRow(jobId: string, row: RawRow): Promise<LogChunkRow> {
  return {
    job_id: jobId,
    byte_offset: row.offset,
    size: row.data.length,
    data: row.packed ?? (await compress(row.data)),
    first_line: row.firstLine,
    line_count: countOf(row.times),
    ends_line: row.data.at(-1) === 10 ? 1 : 0,
    base_ms: row.times.ms[0] ?? 0,
    line_ms: packTimes(row.times),
    refilled: row.refilled ? 1 : 0,
  }
}

/** The bytes of a row. */
export function unpackData(row: Pick<LogChunkRow, 'data' | 'size'>): Buffer {
  return decompress(row.data, row.size)
}

export function unpackRow(row: LogChunkRow): RawRow {
  const piece: LogPiece = {
    offset: Number(row.byte_offset),
    data: unpackData(row),
    times: timesOf(row.line_count, unpackTimes(row.line_ms, Number(row.base_ms))),
    refilled: Boolean(row.refilled),
  }
  return { ...piece, firstLine: row.first_line }
}
