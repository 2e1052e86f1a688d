// The arithmetic of log chunks: cutting overlaps, finding line ends, joining pieces to rows, packing line times. Pure.
import type { LogsRequest } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { timestampMs } from '@bufbuild/protobuf/wkt'

/** Bytes of a job's log as they arrived. */
export interface LogPiece {
  offset: number
  data: Buffer
  /** When each line that ends in data ended, in milliseconds since 1970; one a line end. */
  endedMs: number[]
  refilled: boolean
}

/** A row before compression. */
export interface RawRow extends LogPiece {
  /** Line ends before it. */
  firstLine: number
}

/** Under the 64 KiB of a MySQL BLOB even when zstd cannot shrink it. */
export const maxRowBytes = 60_000
/** Five bytes a line time at most keep the packed times under it too. */
const maxRowLines = 8_000
/** A last row smaller than this is written again with what follows, so that a line a second does not make a row a second. */
export const tailBytes = 16 * 1024

const newline = 10
/** How far an agent's clock may be ahead. */
const clockSkewMs = 3_600_000

export function countLineEnds(data: Uint8Array): number {
  let count = 0
  // A native search for each line end costs more than a look at each byte when there are many.
  for (let i = 0; i < data.length; i++) if (data[i] === newline) count++
  return count
}

/** The line ends are found in the bytes themselves; the agent's word is taken only for when they came. */
export function pieceOf(message: LogsRequest, nowMs: number): LogPiece {
  const data = Buffer.from(message.data.buffer, message.data.byteOffset, message.data.byteLength)
  // A clock that is far off must not make times that nothing can show.
  const base = message.baseAt ? Math.min(Math.max(0, timestampMs(message.baseAt)), nowMs + clockSkewMs) : nowMs
  const ended = message.lineMs
  const last = ended.length - 1
  const endedMs: number[] = []
  const count = countLineEnds(data)
  for (let i = 0; i < count; i++) endedMs.push(last < 0 ? base : base + (ended[Math.min(i, last)] ?? 0))
  return { offset: Number(message.offset), data, endedMs, refilled: false }
}

/** What of a piece lies at or after `from`; null when nothing does. */
export function cutOverlap(piece: LogPiece, from: number): LogPiece | null {
  const overlap = from - piece.offset
  if (overlap <= 0) return piece
  if (overlap >= piece.data.length) return null
  const dropped = countLineEnds(piece.data.subarray(0, overlap))
  return { ...piece, offset: from, data: piece.data.subarray(overlap), endedMs: piece.endedMs.slice(dropped) }
}

/** At most `size` bytes of a piece. */
export function cutEnd(piece: LogPiece, size: number): LogPiece {
  if (piece.data.length <= size) return piece
  const data = piece.data.subarray(0, size)
  return { ...piece, data, endedMs: piece.endedMs.slice(0, countLineEnds(data)) }
}

/** Joins pieces that follow one another and cuts them into rows. */
export function toRows(pieces: LogPiece[], firstLine: number): RawRow[] {
  const rows: RawRow[] = []
  let line = firstLine
  let parts: LogPiece[] = []
  let bytes = 0
  let lines = 0
  const close = () => {
    const first = parts[0]
    if (!first) return
    rows.push({
      offset: first.offset,
      data: parts.length === 1 ? first.data : Buffer.concat(parts.map((part) => part.data)),
      endedMs: parts.length === 1 ? first.endedMs : parts.flatMap((part) => part.endedMs),
      refilled: parts.some((part) => part.refilled),
      firstLine: line,
    })
    line += lines
    parts = []
    bytes = 0
    lines = 0
  }
  for (const piece of pieces) {
    let rest: LogPiece | null = piece
    while (rest && rest.data.length > 0) {
      let part = cutEnd(rest, maxRowBytes - bytes)
      const tooMany = lines + part.endedMs.length - maxRowLines
      if (tooMany > 0) part = cutEnd(part, afterLineEnd(part.data, maxRowLines - lines))
      if (part.data.length > 0) {
        parts.push(part)
        bytes += part.data.length
        lines += part.endedMs.length
        rest = cutOverlap(rest, part.offset + part.data.length)
      }
      if (bytes >= maxRowBytes || lines >= maxRowLines) close()
    }
  }
  close()
  return rows
}

/** Bytes up to and with the nth line end. */
function afterLineEnd(data: Uint8Array, n: number): number {
  let at = 0
  for (let left = n; left > 0; at++) if (data[at] === newline) left--
  return at
}

/** Differences from one line's end to the next as varints; a clock that jumped back counts as no time. */
export function packTimes(endedMs: number[]): Buffer {
  const out = Buffer.allocUnsafe(endedMs.length * 5)
  let at = 0
  let last = endedMs[0] ?? 0
  for (const ms of endedMs) {
    let delta = Math.min(Math.max(0, ms - last), 0xffff_ffff)
    last += delta
    while (delta > 127) {
      out[at++] = (delta % 128) | 128
      delta = Math.floor(delta / 128)
    }
    out[at++] = delta
  }
  return out.subarray(0, at)
}

export function unpackTimes(packed: Uint8Array, baseMs: number): number[] {
  const times: number[] = []
  let last = baseMs
  let delta = 0
  let scale = 1
  for (const byte of packed) {
    delta += (byte & 127) * scale
    if (byte & 128) {
      scale *= 128
      continue
    }
    last += delta
    times.push(last)
    delta = 0
    scale = 1
  }
  return times
}
