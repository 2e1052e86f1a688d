// The controller's own masking, in case an agent lets a secret through: known values are overwritten in place, so that every
// offset and line number stays what the agent counts by.

export interface Refilled {
  /** Bytes of this piece were overwritten. */
  changed: boolean
  /** A value began in bytes already handed on: overwrite these too. */
  before: { offset: number; length: number } | null
}

/** Shorter values would blacken ordinary text. */
const shortestValue = 4
const star = 42
const newline = 10

/** Overwrites all but line ends, which hold the line numbers. */
export function fill(data: Uint8Array, from: number, to: number): void {
  for (let i = from; i < to; i++) if (data[i] !== newline) data[i] = star
}

interface Bytes {
  offset: number
  data: Uint8Array
  packed?: Uint8Array | undefined
}

/** Overwrites what of a range of the log lies in these bytes; they are no longer what came packed. False: nothing does. */
export function fillRange(bytes: Bytes, range: { offset: number; length: number }): boolean {
  const from = Math.max(0, range.offset - bytes.offset)
  const to = Math.min(bytes.data.length, range.offset + range.length - bytes.offset)
  if (from >= to) return false
  fill(bytes.data, from, to)
  bytes.packed = undefined
  return true
}

/** Follows one job's log and remembers enough of its end to see a value that two pieces share. */
export class Refill {
  readonly #values: Buffer[] = []
  #longest = 0
  #tail = Buffer.alloc(0)

  constructor(values: string[]) {
    this.learn(values)
  }

  /** Values that nobody can have written before. */
  learn(values: readonly string[]): void {
    const more = values.map((value) => Buffer.from(value)).filter((value) => value.length >= shortestValue)
    this.#values.push(...more)
    this.#longest = Math.max(this.#longest, ...more.map((value) => value.length))
  }

  /** Bytes that came before, when the log goes on where another stream had left it. */
  resume(tail: Uint8Array): void {
    if (this.#longest > 1) this.#tail = Buffer.from(tail.subarray(-(this.#longest - 1)))
  }

  /** Overwrites in `data`, which begins at `offset` of the log. */
  apply(data: Buffer, offset: number): Refilled {
    if (this.#values.length === 0) return { changed: false, before: null }
    const tail = this.#tail
    const whole = Buffer.concat([tail, data])
    let changed = false
    let earliest = tail.length
    for (const value of this.#values) {
      for (let at = whole.indexOf(value); at >= 0; at = whole.indexOf(value, at + value.length)) {
        changed = true
        earliest = Math.min(earliest, at)
        fill(data, Math.max(0, at - tail.length), at - tail.length + value.length)
      }
    }
    const end = Buffer.concat([tail, data])
    this.#tail = Buffer.from(end.subarray(Math.max(0, end.length - (this.#longest - 1))))
    const before =
      earliest < tail.length ? { offset: offset - (tail.length - earliest), length: tail.length - earliest } : null
    return { changed, before }
  }
}
