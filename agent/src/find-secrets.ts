// Owns the matching inside the masker: gives input on with every find replaced, holding back what may still become one.
import { type Automaton, buildAutomaton } from './automaton.ts'

export const STARS = Buffer.from('***')

const EMPTY = Buffer.alloc(0)
const NEWLINE = 10

interface Find {
  start: number
  end: number
}

export class FindSecrets {
  /** Input offset up to which everything is given out and no find can reach back. */
  position: number
  /** Whether a line begins at `position`. */
  atLineStart: boolean
  #automaton: Automaton | undefined
  #state = 0
  /** Input that is not given out, from offset `#from` to the end of what was pushed. */
  #held: Buffer = EMPTY
  #from: number
  /** Finds that a longer one may still swallow or extend, in order, apart from each other. */
  readonly #open: Find[] = []

  constructor(position: number, atLineStart: boolean) {
    this.position = position
    this.#from = position
    this.atLineStart = atLineStart
  }

  get longest(): number {
    return this.#automaton?.longest ?? 0
  }

  /** New patterns, for the input that follows. Only after `flush` or `replace`, or at the very start. */
  use(patterns: readonly Uint8Array[]): void {
    this.#automaton = patterns.length > 0 ? buildAutomaton(patterns) : undefined
    this.#state = 0
  }

  push(input: Buffer, out: Buffer[]): void {
    if (input.length === 0) return
    const automaton = this.#automaton
    if (!automaton) {
      this.#pass(input, input, out)
      return
    }
    const { classes, width, next, depth, match, pairs } = automaton
    const bytes = this.#held.length > 0 ? Buffer.concat([this.#held, input]) : input
    const first = this.#from
    const end = bytes.length
    const open = this.#open
    let from = first
    let state = this.#state
    let i = this.#held.length
    while (i < end) {
      if (open.length === 0 && depth[state]! < 2) {
        // At most one byte of a pattern is under way: goes straight to the next place where two of them stand together.
        let at = i - depth[state]!
        while (at + 1 < end && pairs[(bytes[at]! << 8) | bytes[at + 1]!] === 0) at++
        state = next[classes[bytes[at]!]!]!
        i = at + 1
        if (i === end) break
      }
      state = next[state * width + classes[bytes[i]!]!]!
      i++
      const offset = first + i
      const length = match[state]!
      if (length > 0) addFind(open, offset - length, offset)
      // No prefix that is still alive reaches back into the first find: it is closed.
      if (open.length === 0) continue
      const live = offset - depth[state]!
      while (open.length > 0 && live >= open[0]!.end) from = giveFind(bytes, first, from, open.shift()!, out)
    }
    const offset = first + end
    // The earliest place where a find that is not yet complete could begin.
    const live = offset - depth[state]!
    const decided = open.length === 0 ? live : Math.min(live, open[0]!.start)
    if (decided > from) {
      out.push(bytes.subarray(from - first, decided - first))
      from = decided
    }
    // Bytes inside an open find are never given out, so an endless one needs no memory.
    if (open.length > 0 && live >= open[0]!.start) from = Math.max(from, open[0]!.end)
    this.#moveTo(open.length === 0 ? from : Math.min(from, open[0]!.start), bytes, first)
    this.#held = from - first >= bytes.length ? EMPTY : Buffer.from(bytes.subarray(from - first))
    this.#from = from
    this.#state = state
  }

  /** Ends what is held back, then gives `by` in the place of `input` (and of `dropped` bytes that were not kept). */
  replace(input: Buffer, by: Buffer, out: Buffer[], dropped = 0): void {
    this.flush(out)
    this.#from += dropped
    this.position += dropped
    this.#pass(input, by, out)
  }

  /** Nothing follows that could complete a find: what is held back goes out. */
  flush(out: Buffer[]): void {
    const bytes = this.#held
    const first = this.#from
    let from = first
    for (const find of this.#open.splice(0)) from = giveFind(bytes, first, from, find, out)
    const end = first + bytes.length
    if (end > from) out.push(bytes.subarray(from - first))
    this.#state = 0
    this.#held = EMPTY
    this.#moveTo(end, bytes, first)
    this.#from = end
  }

  #pass(input: Buffer, by: Buffer, out: Buffer[]): void {
    if (by.length > 0) out.push(by)
    const first = this.#from
    this.#from += input.length
    this.#moveTo(this.#from, input, first)
  }

  #moveTo(position: number, bytes: Buffer, first: number): void {
    if (position > first) this.atLineStart = bytes[position - first - 1] === NEWLINE
    else if (position > this.position) this.atLineStart = false
    this.position = position
  }
}

/** Finds that overlap become one. */
function addFind(open: Find[], start: number, end: number): void {
  let from = start
  while (open.length > 0 && open.at(-1)!.end > start) from = Math.min(from, open.pop()!.start)
  open.push({ start: from, end })
}

/** Gives what lies before the find, and stars; answers the offset behind it. */
function giveFind(bytes: Buffer, first: number, from: number, find: Find, out: Buffer[]): number {
  if (find.start > from) out.push(bytes.subarray(from - first, find.start - first))
  out.push(STARS)
  return find.end
}
