// One line of output as a terminal shows it: what escapes, carriage returns and backspaces leave of it, in which colours. Pure.
// Moves up and down are not followed: a log keeps every line.
import { applySgr, classOf, plainStyle, type Style } from './sgr.ts'

/** What a line hands on to the next one. */
export interface TerminalState {
  style: Style
  /** Letters stand for the line-drawing characters. */
  drawing: boolean
}

export interface ShownPiece {
  text: string
  /** CSS classes; empty for plain text. */
  className: string
  /** For each UTF-16 unit of the text, where in the line it comes from. */
  from: number[]
}

export interface ShownLine {
  pieces: ShownPiece[]
  after: TerminalState
}

export const plainState: TerminalState = { style: plainStyle, drawing: false }

interface Cell {
  text: string
  style: Style
  from: number
}

/** Wider than a terminal; a cursor sent further stays here. */
const widest = 1000
const tab = 8
const drawn = '◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·'

// A control sequence; a string (OSC, DCS, APC, PM, SOS) up to its terminator, or to the line's end rather than over the rest of
// the log; another escape; a control character.
const controls =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this file is about
  /(?:\u001b\[|\u009b)([\u0030-\u003f]*)([\u0020-\u002f]*)([\u0040-\u007e]?)|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|\u001b([\u0020-\u002f]*)([\u0030-\u007e]?)|[\u0000-\u001f\u007f-\u009f]/g
const anyControl = /(?!\t)\p{Cc}/u

export function renderLine(line: string, before: TerminalState = plainState): ShownLine {
  // Most lines are plain text in a plain state.
  if (before === plainState && !anyControl.test(line)) {
    const from = Array.from({ length: line.length }, (_, i) => i)
    return { pieces: line === '' ? [] : [{ text: line, className: '', from }], after: before }
  }
  const screen = new Line(before)
  let at = 0
  for (const match of line.matchAll(controls)) {
    screen.write(line.slice(at, match.index), at)
    at = match.index + match[0].length
    const [control, parameters = '', intermediates = '', final, charset = '', escaped] = match
    if (final !== undefined) screen.sequence(parameters, intermediates, final, match.index)
    else if (escaped !== undefined) screen.escape(charset, escaped)
    else screen.control(control, match.index)
  }
  screen.write(line.slice(at), at)
  return screen.end()
}

/** The text without escapes, for copying and for what looks at words. */
export function shownText(line: string): string {
  return renderLine(line)
    .pieces.map((piece) => piece.text)
    .join('')
}

class Line {
  #cells: Cell[] = []
  #column = 0
  #saved = 0
  #style: Style
  #drawing: boolean
  readonly #before: TerminalState

  constructor(before: TerminalState) {
    this.#before = before
    this.#style = before.style
    this.#drawing = before.drawing
  }

  write(text: string, from: number): void {
    let at = from
    for (const letter of text) {
      const before = this.#cells[this.#column - 1]
      // What combines with the letter before it takes no place of its own.
      if (before && (/^(?:\p{M}|\u200d)$/u.test(letter) || before.text.endsWith('\u200d'))) before.text += letter
      else this.#put(this.#drawing ? lineDrawing(letter) : letter, at)
      at += letter.length
    }
  }

  #put(text: string, from: number): void {
    while (this.#cells.length < this.#column) this.#blank(from)
    this.#cells[this.#column++] = { text, style: this.#style, from }
  }

  #blank(from: number): void {
    this.#cells.push({ text: ' ', style: plainStyle, from })
  }

  control(control: string, from: number): void {
    if (control === '\r') this.#column = 0
    else if (control === '\b') this.#column = Math.max(0, this.#column - 1)
    else if (control === '\t') {
      if (this.#column >= this.#cells.length) this.#put('\t', from)
      else this.#column = Math.min(this.#cells.length, this.#column + tab - (this.#column % tab))
    }
  }

  escape(charset: string, final: string): void {
    if (charset === '(') this.#drawing = final === '0'
    else if (charset === '' && final === '7') this.#saved = this.#column
    else if (charset === '' && final === '8') this.#column = this.#saved
    else if (charset === '' && final === 'c') {
      this.#style = plainStyle
      this.#drawing = false
    }
  }

  sequence(parameters: string, intermediates: string, final: string, from: number): void {
    // Private ones (?, >) set modes of the terminal.
    if (intermediates !== '' || /^[<=>?]/.test(parameters)) return
    const [first, second] = parameters.split(';').map((number) => Number.parseInt(number, 10) || 0)
    const count = Math.max(1, first ?? 0)
    const length = this.#cells.length
    const farthest = Math.max(length, widest)
    if (final === 'm') this.#style = applySgr(this.#style, parameters)
    else if (final === 'C') this.#column = Math.min(farthest, this.#column + count)
    else if (final === 'D') this.#column = Math.max(0, this.#column - count)
    else if (final === 'G' || final === '`') this.#column = Math.min(farthest, count - 1)
    else if (final === 'H' || final === 'f') this.#column = Math.min(farthest, Math.max(1, second ?? 0) - 1)
    else if (final === 'E' || final === 'F') this.#column = 0
    else if (final === 's') this.#saved = this.#column
    else if (final === 'u') this.#column = this.#saved
    else if (final === 'K' || final === 'J') this.#erase(first ?? 0, from)
    else if (final === 'X') this.#wipe(this.#column, Math.min(length, this.#column + count), from)
    else if (final === 'P') this.#cells.splice(this.#column, count)
    else if (final === '@') {
      const blanks = Array.from({ length: Math.min(count, widest) }, () => ({ text: ' ', style: plainStyle, from }))
      if (this.#column < length) this.#cells.splice(this.#column, 0, ...blanks)
    }
  }

  /** 0: from here on; 1: up to here; more: everything. */
  #erase(what: number, from: number): void {
    if (what === 1) this.#wipe(0, Math.min(this.#cells.length, this.#column + 1), from)
    else this.#cells.length = what === 0 ? Math.min(this.#cells.length, this.#column) : 0
  }

  #wipe(begin: number, end: number, from: number): void {
    for (let i = begin; i < end; i++) this.#cells[i] = { text: ' ', style: plainStyle, from }
  }

  end(): ShownLine {
    const pieces: ShownPiece[] = []
    let last: Style | undefined
    for (const { text, style, from } of this.#cells) {
      if (style !== last) pieces.push({ text: '', className: classOf(style), from: [] })
      last = style
      const piece = pieces.at(-1)!
      piece.text += text
      for (let i = 0; i < text.length; i++) piece.from.push(from + i)
    }
    return { pieces: joined(pieces), after: this.#after() }
  }

  #after(): TerminalState {
    const { style, drawing } = this.#before
    if (sameStyle(this.#style, plainStyle) && !this.#drawing) return plainState
    if (sameStyle(this.#style, style) && this.#drawing === drawing) return this.#before
    return { style: this.#style, drawing: this.#drawing }
  }
}

function joined(pieces: ShownPiece[]): ShownPiece[] {
  const result: ShownPiece[] = []
  for (const piece of pieces) {
    const last = result.at(-1)
    if (last?.className === piece.className) {
      last.text += piece.text
      last.from.push(...piece.from)
    } else result.push(piece)
  }
  return result
}

function sameStyle(one: Style, other: Style): boolean {
  return (Object.keys(plainStyle) as (keyof Style)[]).every((name) => one[name] === other[name])
}

function lineDrawing(letter: string): string {
  return drawn[letter.charCodeAt(0) - 0x60] ?? letter
}
