// Searches the bytes of a log, in any pieces, for the places that a matcher finds.
import type { LogHitSchema } from '@ansflow/proto/gen/ansflow/v1/logs_pb'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Matcher } from './matcher.ts'
import { lineText, maxLineBytes } from './read-lines.ts'

export type LogHitInit = MessageInitShape<typeof LogHitSchema>

/** A line longer than this is searched in windows. */
const windowBytes = 64 * 1024
/** What neighbouring windows share: the longest match that is found wherever it lies in a long line. */
const sharedBytes = 4 * 1024
const newline = 10

/** What a search has in hand between two pieces of the log. */
export interface SearchState {
  count: number
  line: number
  rest: Uint8Array
  /** Set inside a long line: characters before `rest`, the end of the last hit, and the line's beginning. */
  long: { chars: number; reported: number; text: string; hit: boolean } | null
}

/** Before bytes of which the first is in this line, from 1. */
export function stateAt(line: number): SearchState {
  return { count: 0, line, rest: new Uint8Array(), long: null }
}

/** Takes the bytes of a log in order, in any pieces. */
export class LineSearch {
  full = false
  readonly #matcher: Matcher
  readonly #firstLine: number
  readonly #maxHits: number
  #count: number
  #hits: LogHitInit[] = []
  #line: number
  #rest: Buffer
  #long: SearchState['long']

  constructor(matcher: Matcher, wanted: { firstLine: number; maxHits: number }, state: SearchState) {
    this.#matcher = matcher
    this.#firstLine = wanted.firstLine
    this.#maxHits = wanted.maxHits
    this.#count = state.count
    this.#line = state.line
    this.#rest = Buffer.from(state.rest)
    this.#long = state.long
  }

  get state(): SearchState {
    return { count: this.#count, line: this.#line, rest: this.#rest, long: this.#long }
  }

  feed(data: Buffer): LogHitInit[] {
    let block = this.#rest.length > 0 ? Buffer.concat([this.#rest, data]) : data
    if (this.#long) {
      const end = block.indexOf(newline)
      if (end >= 0) {
        this.#endLong(block.subarray(0, end))
        block = block.subarray(end + 1)
      }
    }
    if (!this.#long) {
      const end = block.lastIndexOf(newline)
      if (end >= 0) this.#lines(block.subarray(0, end))
      block = block.subarray(end + 1)
    }
    while (block.length > windowBytes && !this.full) block = this.#window(block)
    // A copy, so that a few bytes do not hold a whole row in memory.
    this.#rest = Buffer.from(block)
    return this.#take()
  }

  end(): LogHitInit[] {
    if (this.#long) this.#endLong(this.#rest)
    else if (this.#rest.length > 0) this.#lines(this.#rest)
    this.#rest = Buffer.alloc(0)
    return this.#take()
  }

  #take(): LogHitInit[] {
    const hits = this.#hits
    this.#hits = []
    return hits
  }

  /** Whole lines, without the last one's end. */
  #lines(block: Buffer): void {
    const text = block.toString('utf8')
    if (this.#matcher.manyLines) {
      this.#manyLines(text)
    } else {
      for (const line of text.split('\n')) {
        if (this.full) return
        let first = true
        for (const { start, end } of this.#matcher.find(line)) {
          if (!this.#hit(start, end, first ? line : '')) break
          first = false
        }
        this.#line++
      }
    }
  }

  #manyLines(text: string): void {
    let lineStart = 0
    let hitLine = 0
    for (const { start, end } of this.#matcher.find(text)) {
      for (let at = text.indexOf('\n', lineStart); at >= 0 && at < start; at = text.indexOf('\n', lineStart)) {
        lineStart = at + 1
        this.#line++
      }
      const lineEnd = text.indexOf('\n', end)
      const line = hitLine === this.#line ? '' : text.slice(lineStart, lineEnd < 0 ? text.length : lineEnd)
      hitLine = this.#line
      if (!this.#hit(start - lineStart, end - lineStart, line)) return
    }
    for (let at = text.indexOf('\n', lineStart); at >= 0; at = text.indexOf('\n', at + 1)) this.#line++
    this.#line++
  }

  /** Searches the first window of a line whose end is not in sight; answers what is left to search. */
  #window(block: Buffer): Buffer {
    this.#long ??= { chars: 0, reported: 0, text: lineText(block.subarray(0, maxLineBytes)), hit: false }
    this.#inLong(block.subarray(0, characterStart(block, windowBytes)), false)
    const keep = characterStart(block, windowBytes - sharedBytes)
    this.#long.chars += block.toString('utf8', 0, keep).length
    return block.subarray(keep)
  }

  #endLong(block: Buffer): void {
    this.#inLong(block, true)
    this.#long = null
    this.#line++
  }

  #inLong(block: Buffer, last: boolean): void {
    const long = this.#long
    if (!long) return
    const text = block.toString('utf8')
    for (const { start, end } of this.#matcher.find(text)) {
      // One that touches the window's end may be longer: the next window has it too.
      if (!last && end === text.length) continue
      if (long.chars + start < long.reported) continue
      long.reported = long.chars + end
      if (!this.#hit(long.chars + start, long.chars + end, long.hit ? '' : long.text)) return
      long.hit = true
    }
  }

  /** False: there are enough. */
  #hit(start: number, end: number, line: string): boolean {
    if (this.#line < this.#firstLine) return true
    if (this.#count >= this.#maxHits) {
      this.full = true
      return false
    }
    this.#count++
    const text = line.endsWith('\r') ? line.slice(0, -1) : line
    this.#hits.push({ line: this.#line, start, end, text: text.slice(0, maxLineBytes) })
    return true
  }
}

/** The last position at or before `at` where a character of UTF-8 begins. */
function characterStart(bytes: Buffer, at: number): number {
  let start = at
  while (start > at - 4 && start > 0 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start--
  return start
}
