// Owns what of a value is looked for, and with which two bytes an occurrence may begin. Pure.
import { CONTROLS, ENTITIES } from './escapes.ts'
import { AS_BASE64, AS_CELLS, AS_HEX, AS_TEXT, BASE64, GAP, type PatternTree, TEXT } from './pattern-tree.ts'

/** Shorter strings are too likely to be ordinary text; values below this length are masked only where they are a whole line. */
export const MIN_PATTERN = 4
/** Of longer texts, pieces of about this length are looked for: so the work at a place is bounded. */
const PIECE = 64

/** Puts a value into the tree; answers what of it is masked only where it is all of a line. */
export function addValue(tree: PatternTree, value: string): string[] {
  const lines = value.split(/\r\n|\r|\n/)
  const wholes = new Set([value, value.trim()])
  for (const text of new Set([...wholes, ...lines.flatMap((line) => [line, line.trim()])])) {
    const bytes = Buffer.from(text)
    if (bytes.length >= MIN_PATTERN) addText(tree, bytes)
  }
  for (const text of wholes) {
    const bytes = Buffer.from(text)
    // Tools encode a value whole; its lines show up on their own only as texts.
    if (bytes.length >= MIN_PATTERN) for (const form of base64Forms(bytes)) addBase64(tree, form)
  }
  // A short line of a longer secret ("}", "EOF") says nothing; a short secret is masked where it stands alone.
  if (lines.length > 1) return []
  return [...wholes].filter((text) => text.length > 0 && Buffer.byteLength(text) < MIN_PATTERN)
}

/** Pieces share a byte, so that the finds of a whole value become one; no piece begins or ends within a character. */
function* piecesOf(bytes: Buffer): Generator<Buffer> {
  const isInside = (at: number) => (bytes[at]! & 0xc0) === 0x80
  for (let at = 0; ; at += PIECE - 1) {
    let from = Math.min(at, Math.max(0, bytes.length - PIECE))
    for (let back = 0; from > 0 && isInside(from) && back < 3; back++) from--
    let to = Math.min(bytes.length, from + PIECE)
    for (let on = 0; to < bytes.length && isInside(to) && on < 3; on++) to++
    yield bytes.subarray(from, to)
    if (to === bytes.length) return
  }
}

function addText(tree: PatternTree, text: Buffer): void {
  for (const piece of piecesOf(text)) {
    tree.add(TEXT, piece)
    markText(tree, piece[0]!, piece[1]!)
    markHex(tree, piece[0]!, piece[1]!)
    markCells(tree, piece[0]!)
  }
}

const codes = (text: string) => [...text].map((letter) => letter.charCodeAt(0))
const [QUOTE, DOUBLE_QUOTE, BACKSLASH, BACKTICK, PERCENT, PLUS, AMPERSAND] = codes('\'"\\`%+&') as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
]
const [CARET, META, DASH] = codes('^M-') as [number, number, number]
const isControl = (byte: number) => byte < 32 || byte === 127
const SPACE = 32
const NEWLINE = 10
const RETURN = 13

/** How an occurrence may begin: each of the two bytes as it is, or as an escape sequence. */
function markText(tree: PatternTree, first: number, second: number): void {
  const mark = (one: number, others: Iterable<number>) => {
    for (const other of others) tree.mark(one, other, AS_TEXT)
  }
  mark(first, [second])
  if (second === NEWLINE) mark(first, [RETURN])
  if (second === SPACE) mark(first, [PLUS])
  if (isControl(second)) mark(first, [CARET, QUOTE])
  if (second >= 128) mark(first, [META])
  if (tree.starts[(first << 8) | BACKSLASH]! & AS_TEXT && tree.starts[(first << 8) | BACKTICK]! & AS_TEXT) return
  mark(first, [BACKSLASH, PERCENT, AMPERSAND, BACKTICK])
  const names = Object.entries(CONTROLS).filter(([, byte]) => byte === first)
  const letters = names.map(([letter]) => letter.charCodeAt(0))
  mark(PERCENT, [...hexDigits(first >> 4), ...hexDigits(2)])
  mark(BACKSLASH, [first, BACKSLASH, ...letters, ...codes(`xuU${first >> 6}`)])
  mark(BACKTICK, [first, ...letters])
  const entities = Object.entries(ENTITIES).filter(([, text]) => Buffer.from(text)[0] === first)
  mark(AMPERSAND, [...codes('#a'), ...entities.map(([name]) => name.charCodeAt(0))])
  if (isControl(first)) mark(CARET, [first ^ 64])
  if (first >= 128) mark(META, [DASH])
  if (first === QUOTE) mark(QUOTE, [QUOTE, BACKSLASH, DOUBLE_QUOTE])
  if (first === DOUBLE_QUOTE) mark(DOUBLE_QUOTE, [DOUBLE_QUOTE])
  if (first === NEWLINE) mark(RETURN, [NEWLINE])
  if (first === SPACE) mark(PLUS, Array(256).keys())
}

function markHex(tree: PatternTree, first: number, second: number): void {
  const next = [...hexDigits(second >> 4), ...codes(GAP)]
  for (const low of hexDigits(first & 15)) {
    for (const high of hexDigits(first >> 4)) tree.mark(high, low, AS_HEX)
    for (const digit of next) tree.markNext(low, digit, AS_HEX)
  }
}

/** `   p   @` and ` 160 100`, from a blank on: behind a blank is less than behind the letter. */
function markCells(tree: PatternTree, first: number): void {
  tree.mark(SPACE, SPACE, AS_CELLS)
  tree.markNext(SPACE, first, AS_CELLS)
  const digits = codes(first.toString(8).padStart(3, '0'))
  tree.mark(SPACE, digits[0]!, AS_CELLS)
  tree.markNext(digits[0]!, digits[1]!, AS_CELLS)
}

function hexDigits(value: number): number[] {
  const digit = value.toString(16)
  return codes(digit + digit.toUpperCase())
}

function addBase64(tree: PatternTree, form: Buffer): void {
  for (const piece of piecesOf(form)) {
    tree.add(BASE64, piece)
    const [first, second, third] = [spellings(piece[0]!), spellings(piece[1]!), spellings(piece[2]!)]
    // A line may be folded right behind the first character.
    for (const one of first)
      for (const other of [...second, NEWLINE, RETURN, BACKSLASH]) tree.mark(one, other, AS_BASE64)
    if (second.length > 1) for (const one of first) tree.mark(one, PERCENT, AS_BASE64)
    if (first.length > 1) for (const digit of hexDigits(2)) tree.mark(PERCENT, digit, AS_BASE64)
    for (const one of second) {
      for (const other of [...third, NEWLINE, RETURN, BACKSLASH, PERCENT]) tree.markNext(one, other, AS_BASE64)
    }
    for (const fold of [NEWLINE, RETURN]) {
      for (const other of [...second, NEWLINE, BACKSLASH, PERCENT]) tree.markNext(fold, other, AS_BASE64)
    }
    for (const letter of codes('nr/')) tree.markNext(BACKSLASH, letter, AS_BASE64)
    for (const digit of hexDigits(2)) {
      tree.markNext(PERCENT, digit, AS_BASE64)
      for (const low of codes('BbFf')) tree.markNext(digit, low, AS_BASE64)
    }
  }
}

function spellings(byte: number): number[] {
  return byte === PLUS ? codes('+-') : byte === 47 ? codes('/_') : [byte]
}

/**
 * Base64 of the value at each of the three positions it can have within a longer encoded text (only the characters that
 * depend on nothing else), and the ending with its padding.
 */
function* base64Forms(bytes: Buffer): Generator<Buffer> {
  for (const before of [0, 1, 2]) {
    const encoded = Buffer.from(Buffer.concat([Buffer.alloc(before), bytes]).toString('base64'))
    const from = Math.ceil((before * 8) / 6)
    const certain = Math.floor(((before + bytes.length) * 8) / 6)
    const unpadded = encoded.indexOf('=')
    for (const end of new Set([certain, unpadded < 0 ? encoded.length : unpadded, encoded.length]))
      if (end - from >= MIN_PATTERN) yield encoded.subarray(from, end)
  }
}
