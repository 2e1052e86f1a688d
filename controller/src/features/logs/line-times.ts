// When the lines of a log ended, as runs of lines that ended in the same millisecond: those of a loud step come by the thousand. Pure.

/** Of each run, in order: how many lines, and when, in milliseconds since 1970. */
export interface LineTimes {
  readonly lines: readonly number[]
  readonly ms: readonly number[]
}

interface Growing {
  lines: number[]
  ms: number[]
}

export const noTimes: LineTimes = { lines: [], ms: [] }

export function countOf({ lines }: LineTimes): number {
  let count = 0
  for (const each of lines) count += each
  return count
}

export function sameTime(count: number, ms: number): LineTimes {
  return count > 0 ? { lines: [count], ms: [ms] } : noTimes
}

/** Of `count` lines the times of the first ones are given, one each, after `base`; the last of them is that of all others, too. */
export function timesOf(count: number, given: ArrayLike<number>, base = 0): LineTimes {
  const told = Math.min(count, given.length)
  if (told === 0) return sameTime(count, base)
  const times: Growing = { lines: [], ms: [] }
  for (let i = 0; i < told; i++) extend(times, 1, base + given[i]!)
  extend(times, count - told, base + given[told - 1]!)
  return times
}

/** The times of the first `count` lines, and of the others. */
export function splitTimes({ lines, ms }: LineTimes, count: number): [LineTimes, LineTimes] {
  let index = 0
  let left = count
  while (index < lines.length && lines[index]! <= left) left -= lines[index++]!
  const first = { lines: lines.slice(0, index), ms: ms.slice(0, index) }
  const others = { lines: lines.slice(index), ms: ms.slice(index) }
  if (left > 0 && index < lines.length) {
    first.lines.push(left)
    first.ms.push(ms[index]!)
    others.lines[0]! -= left
  }
  return [first, others]
}

export function joinTimes(parts: LineTimes[]): LineTimes {
  const times: Growing = { lines: [], ms: [] }
  for (const { lines, ms } of parts) for (let i = 0; i < lines.length; i++) extend(times, lines[i]!, ms[i]!)
  return times
}

function extend({ lines, ms }: Growing, count: number, at: number): void {
  const last = lines.length - 1
  if (last >= 0 && ms[last] === at) lines[last]! += count
  else if (count > 0) {
    lines.push(count)
    ms.push(at)
  }
}

/** Differences from one line's end to the next as varints; a clock that jumped back counts as no time. */
export function packTimes(times: LineTimes): Buffer {
  const { lines, ms } = times
  // What is not written is a line that ended when the one before it did.
  const out = Buffer.alloc(countOf(times) + lines.length * 4)
  let at = 0
  let last = ms[0] ?? 0
  for (let i = 0; i < lines.length; i++) {
    let delta = Math.min(Math.max(0, ms[i]! - last), 0xffff_ffff)
    last += delta
    while (delta > 127) {
      out[at++] = (delta % 128) | 128
      delta = Math.floor(delta / 128)
    }
    out[at] = delta
    at += lines[i]!
  }
  return out.subarray(0, at)
}

/** One time a line. */
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
