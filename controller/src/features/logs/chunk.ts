// The arithmetic of log chunks: cutting overlaps, finding line ends, joining pieces to rows.
import { invalidField } from '@ansflow/proto/errors'
import type { LogsRequest } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { countOf, joinTimes, type LineTimes, splitTimes, timesOf } from './line-times.ts'
import { decompressForeign } from './zstd.ts'

/** Bytes of a job's log as they arrived. */
export interface LogPiece {
  offset: number
  data: Buffer
  /** The same bytes as a frame of zstd, when they came as one and are still what they were. */
  packed?: Uint8Array | undefined
  /** When the lines that end in data ended. */
  times: LineTimes
  refilled: boolean
}

/** A row before compression. */
export interface RawRow extends LogPiece {
  /** Line ends before it. */
  firstLine: number
}

/** Under the 64 KiB of a MySQL BLOB even when zstd cannot shrink it. What came packed is known to be smaller and may be a larger row. */
export const maxRowBytes = 60_000
const maxPackedBytes = 65_535
/** Five bytes a line time at most keep the packed times under it too. */
const maxRowLines = 8_000
/** A last row smaller than this is written again with what follows, so that a line a second does not make a row a second. */
export const tailBytes = 16 * 1024

const newline = 10
/** How far an agent's clock may be ahead. */
const clockSkewMs = 3_600_000

const everyByte = 0x01010101
const lowBits = 0x7f7f7f7f

/** Four bytes at once: a native search for each line end costs more when there are many. */
export function countLineEnds(data: Uint8Array): number {
  const first = Math.min(data.length, -data.byteOffset & 3)
  const left = (data.length - first) >> 2
  // Even none must begin at a whole word.
  const words = left > 0 ? new Int32Array(data.buffer, data.byteOffset + first, left) : new Int32Array(0)
  let count = 0
  for (let at = 0; at < words.length; ) {
    // Of each of the four, as many as a byte can count.
    let counts = 0
    for (const end = Math.min(words.length, at + 255); at < end; at++) {
      const rest = words[at]! ^ (newline * everyByte)
      counts += ~(((rest & lowBits) + lowBits) | rest | lowBits) >>> 7
    }
    count += (counts & 255) + ((counts >>> 8) & 255) + ((counts >>> 16) & 255) + (counts >>> 24)
  }
  for (let i = 0; i < first; i++) if (data[i] === newline) count++
  for (let i = first + words.length * 4; i < data.length; i++) if (data[i] === newline) count++
  return count
}

/** The line ends are found in the bytes themselves; the agent's word is taken only for when they came. */
export function pieceOf(message: LogsRequest, nowMs: number): LogPiece {
  const packed = message.unpackedSize > 0 ? message.data : undefined
  const data = packed ? decompressForeign(packed, message.unpackedSize) : asBuffer(message.data)
  if (!data) throw invalidField('data', 'is no frame of zstd of that size')
  // A clock that is far off must not make times that nothing can show.
  const base = message.baseAt ? Math.min(Math.max(0, timestampMs(message.baseAt)), nowMs + clockSkewMs) : nowMs
  const times = timesOf(countLineEnds(data), message.lineMs, base)
  return { offset: Number(message.offset), data, packed, times, refilled: false }
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

/** The first `size` bytes of a piece, and what follows them. */
function cut(piece: LogPiece, size: number): [LogPiece, LogPiece] {
  const { offset, data } = piece
  const first = data.subarray(0, size)
  const [times, others] = splitTimes(piece.times, countLineEnds(first))
  return [
    { ...piece, data: first, packed: undefined, times },
    { ...piece, offset: offset + size, data: data.subarray(size), packed: undefined, times: others },
  ]
}

/** What of a piece lies at or after `from`; null when nothing does. */
export function cutOverlap(piece: LogPiece, from: number): LogPiece | null {
  const overlap = from - piece.offset
  if (overlap <= 0) return piece
  return overlap < piece.data.length ? cut(piece, overlap)[1] : null
}

/** At most `size` bytes of a piece. */
export function cutEnd(piece: LogPiece, size: number): LogPiece {
  return size < piece.data.length ? cut(piece, size)[0] : piece
}

/**
 * Joins pieces that follow one another and cuts them into rows. A piece that fits into a row is cut only for its lines: two rows
 * that follow one another are larger together than one may be.
 */
export function toRows(pieces: LogPiece[], firstLine: number): RawRow[] {
  const rows: RawRow[] = []
  let line = firstLine
  let parts: LogPiece[] = []
  let bytes = 0
  let lines = 0
  const close = () => {
    const [first] = parts
    if (!first) return
    const isOne = parts.length === 1
    rows.push({
      offset: first.offset,
      data: isOne ? first.data : Buffer.concat(parts.map((part) => part.data)),
      packed: isOne ? first.packed : undefined,
      times: isOne ? first.times : joinTimes(parts.map((part) => part.times)),
      refilled: parts.some((part) => part.refilled),
      firstLine: line,
    })
    line += lines
    parts = []
    bytes = 0
    lines = 0
  }
  const add = (part: LogPiece) => {
    if (part.data.length === 0) return
    parts.push(part)
    bytes += part.data.length
    lines += countOf(part.times)
    if (bytes >= maxRowBytes || lines >= maxRowLines) close()
  }
  for (const piece of pieces) {
    if (isRow(piece)) {
      close()
      parts.push(piece)
      lines += countOf(piece.times)
      close()
      continue
    }
    if (bytes + piece.data.length > maxRowBytes && piece.data.length <= maxRowBytes) close()
    let rest = piece
    while (rest.data.length > maxRowBytes - bytes || countOf(rest.times) > maxRowLines - lines) {
      const mostBytes = Math.min(rest.data.length, maxRowBytes - bytes)
      const size = afterLineEnd(rest.data.subarray(0, mostBytes), maxRowLines - lines)
      const [part, after] = cut(rest, size)
      add(part)
      rest = after
    }
    add(rest)
  }
  close()
  return rows
}

/** Came packed and can be stored as it came. */
export function isRow({ packed, times }: LogPiece): boolean {
  return packed !== undefined && packed.length <= maxPackedBytes && countOf(times) <= maxRowLines
}

/** Bytes up to and with the nth line end, or all. */
function afterLineEnd(data: Uint8Array, n: number): number {
  let at = 0
  for (let left = n; left > 0 && at < data.length; at++) if (data[at] === newline) left--
  return at
}
