// The lines of one log that a viewer holds: pages fetched by number, and a tail that grows with the live bytes. Bounded: old pages
// and the far end of the tail are dropped and can be fetched again.

import { plainState, renderLine, type TerminalState } from './terminal-line.ts'

export interface ViewLine {
  number: number
  text: string
  /** Milliseconds since epoch; undefined when unknown. */
  at: number | undefined
  /** Bytes of the whole line when it is longer than its text. */
  cutFrom: number | undefined
}

export const pageSize = 500
const pagesKept = 40
const tailKept = 20_000
/** Longer lines are cut, as the server cuts them. */
const longestLine = 16 * 1024
/** Colours that began further above a line than this, or in lines that are not here, are not known. */
export const lookBack = 200

export class LineBuffer {
  /** Lines known to exist. */
  total = 0
  complete = false
  /** Complete, but its agent was lost before it had sent everything. */
  part = false
  readonly #pages = new Map<number, ViewLine[]>()
  #tail: ViewLine[] = []
  #decoder = new TextDecoder()
  /** The last line has no end yet; the next bytes continue it. */
  #open = false
  readonly #after = new WeakMap<ViewLine, { text: string; before: TerminalState; after: TerminalState }>()

  /** The line, or undefined when it has to be fetched first. */
  line(number: number): ViewLine | undefined {
    const first = this.#tail[0]
    if (first && number >= first.number) return this.#tail[number - first.number]
    const page = Math.floor((number - 1) / pageSize)
    return this.#pages.get(page)?.[number - 1 - page * pageSize]
  }

  /** The colours that the lines before this one have left switched on. */
  stateBefore(number: number): TerminalState {
    let first = number
    while (first > Math.max(1, number - lookBack) && this.line(first - 1)) first--
    let state = plainState
    for (let each = first; each < number; each++) {
      const line = this.line(each)
      if (!line) continue
      let known = this.#after.get(line)
      if (known?.text !== line.text || known.before !== state) {
        known = { text: line.text, before: state, after: renderLine(line.text, state).after }
        this.#after.set(line, known)
      }
      state = known.after
    }
    return state
  }

  /** Pages (from 0) that hold lines first…last and are not here yet. */
  missingPages(first: number, last: number): number[] {
    const missing: number[] = []
    for (let page = Math.floor((first - 1) / pageSize); page * pageSize < Math.min(last, this.total); page++) {
      const from = Math.max(first, page * pageSize + 1)
      const to = Math.min(last, (page + 1) * pageSize, this.total)
      if (from <= to && (this.line(from) === undefined || this.line(to) === undefined)) missing.push(page)
    }
    return missing
  }

  putPage(page: number, lines: ViewLine[]): void {
    this.#pages.delete(page)
    this.#pages.set(page, lines)
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= pagesKept) break
      this.#pages.delete(oldest)
    }
  }

  /** Starts the live tail after the stored lines: `last` is the unfinished line that the next bytes continue, if there is one. */
  startTail(total: number, last: ViewLine | undefined): void {
    this.#decoder = new TextDecoder()
    this.#open = last !== undefined
    this.#tail = last ? [last] : []
    this.total = total
  }

  /** Appends live bytes; `now` becomes the time of the lines that begin in them. */
  append(data: Uint8Array, now: number): void {
    const text = this.#decoder.decode(data, { stream: true })
    let at = 0
    while (at < text.length) {
      const end = text.indexOf('\n', at)
      const part = end < 0 ? text.slice(at) : text.slice(at, end)
      this.#extend(part, now)
      this.#open = end < 0
      at = end < 0 ? text.length : end + 1
    }
    if (this.#tail.length > tailKept * 1.5) this.#tail = this.#tail.slice(-tailKept)
  }

  #extend(part: string, now: number): void {
    if (!this.#open) {
      this.total++
      this.#tail.push({ number: this.total, text: '', at: now, cutFrom: undefined })
    }
    const line = this.#tail.at(-1)
    if (!line) return
    const room = longestLine - line.text.length
    const seen = line.cutFrom ?? line.text.length
    if (part.length > room) line.cutFrom = seen + part.length
    if (room > 0) line.text += part.slice(0, room)
  }
}
