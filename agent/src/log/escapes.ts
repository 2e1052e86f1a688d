// Owns what an escape sequence stands for: of URLs, HTML, JSON and its kin, shells, PowerShell, YAML and `cat -v`. Pure.

/** Input of which only a part may be there yet. */
export interface Bytes {
  /** -1: not there, but it may come. */
  at(index: number): number
}

export interface Meaning {
  /** What is meant. */
  bytes: readonly number[]
  /** The index behind the sequence that means it. */
  next: number
}

const code = (text: string) => text.charCodeAt(0)
const NEWLINE = 10
const RETURN = 13
const QUOTE = code("'")
const DOUBLE_QUOTE = code('"')
const BACKSLASH = code('\\')
const BACKTICK = code('`')
const PERCENT = code('%')
const PLUS = code('+')
const AMPERSAND = code('&')
const SEMICOLON = code(';')
const DOLLAR = code('$')
const CARET = code('^')
const META = code('M')
const DASH = code('-')
/** JSON in JSON in JSON. */
export const MAX_DEPTH = 3
const MAX_DIGITS = 8

export const CONTROLS: Readonly<Record<string, number>> = {
  n: 10,
  t: 9,
  r: 13,
  b: 8,
  f: 12,
  v: 11,
  a: 7,
  e: 27,
  E: 27,
  '0': 0,
}
export const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
}

const isIntroducer = new Uint8Array(256)
for (const byte of [RETURN, QUOTE, DOUBLE_QUOTE, BACKSLASH, BACKTICK, PERCENT, PLUS, AMPERSAND, CARET, META]) {
  isIntroducer[byte] = 1
}

export function mayEscape(byte: number): boolean {
  return isIntroducer[byte] === 1
}

/** The byte that all meanings of a sequence have that begins with these two; -1: they differ. */
export function onlyMeaning(byte: number, second: number): number {
  if (byte === PLUS) return 32
  if (byte === RETURN) return NEWLINE
  return (byte === QUOTE && second !== DOLLAR) || byte === DOUBLE_QUOTE ? byte : -1
}

/** Of a letter behind a backslash: the byte it stands for besides itself, -1 for none, -2 when what follows it decides. */
export function controlOf(letter: number): number {
  return controls[letter]!
}

const controls = new Int16Array(256).fill(-1)
for (const [name, byte] of Object.entries(CONTROLS)) controls[code(name)] = byte
for (const name of 'xuU01234567') controls[code(name)] = -2

/**
 * What the sequence at `at` may mean besides itself. `depth`: how many times the text was escaped with backslashes, which is the
 * same all through a text.
 */
export function meanings(input: Bytes, at: number, depth: number): Meaning[] {
  const found: Meaning[] = []
  const means = (bytes: readonly number[], next: number) => void found.push({ bytes, next })
  const second = input.at(at + 1)
  switch (input.at(at)) {
    case PLUS:
      means([32], at + 1)
      break
    case RETURN:
      if (second === NEWLINE) means([NEWLINE], at + 2)
      break
    case DOUBLE_QUOTE:
      if (second === DOUBLE_QUOTE) means([DOUBLE_QUOTE], at + 2)
      break
    case QUOTE:
      quotes(input, at, means)
      break
    case PERCENT:
      percent(input, at, means)
      break
    case AMPERSAND:
      entity(input, at, means)
      break
    case CARET:
      if (second >= CONTROL_FROM && second <= CONTROL_TO) means([second ^ 64], at + 2)
      break
    case META:
      if (second === DASH) meta(input, at + 2, means)
      break
    case BACKTICK:
      if (second >= 0) letter(second, at + 2, means)
      break
    case BACKSLASH:
      backslashes(input, at, 2 ** depth, means)
      break
  }
  return found
}

type Means = (bytes: readonly number[], next: number) => void

/** In `cat -v`: ^@ to ^_ for control characters, ^? for the last one. */
const CONTROL_FROM = code('?')
const CONTROL_TO = code('_')

/** M-x and M-^X: bytes from 128 on. */
function meta(input: Bytes, at: number, means: Means): void {
  const byte = input.at(at)
  if (byte >= 32 && byte < 127) means([byte | 128], at + 1)
  const control = byte === CARET ? input.at(at + 1) : -1
  if (control >= CONTROL_FROM && control <= CONTROL_TO) means([(control ^ 64) | 128], at + 2)
}

/** '' of YAML, PowerShell and SQL; '\'' and '"'"' of shells, the latter also around several quotes; '$'\t'' of `ls`. */
function quotes(input: Bytes, at: number, means: Means): void {
  const second = input.at(at + 1)
  if (second === QUOTE) means([QUOTE], at + 2)
  if (second === DOLLAR && input.at(at + 2) === QUOTE) dollarQuotes(input, at + 3, means)
  if (second === BACKSLASH) {
    // More than one: JSON around a command line.
    let close = at + 2
    while (input.at(close) === BACKSLASH && close < at + 1 + 2 ** MAX_DEPTH) close++
    if (input.at(close) === QUOTE && input.at(close + 1) === QUOTE) means([QUOTE], close + 2)
  }
  if (second !== DOUBLE_QUOTE) return
  let end = at + 2
  while (input.at(end) === QUOTE && end < at + 2 + MAX_DIGITS) end++
  const count = end - at - 2
  if (count > 0 && input.at(end) === DOUBLE_QUOTE && input.at(end + 1) === QUOTE)
    means(new Array<number>(count).fill(QUOTE), end + 2)
}

/** The quotes were closed for the sake of some control characters, and may be opened again behind them. */
function dollarQuotes(input: Bytes, begin: number, means: Means): void {
  const bytes: number[] = []
  let at = begin
  while (input.at(at) === BACKSLASH && bytes.length < MAX_DIGITS) {
    const byte = input.at(at + 1)
    const end = digit(byte, 8) < 0 ? at + 2 : digitsEnd(input, at + 1, 3, 8)
    bytes.push(digit(byte, 8) < 0 ? controlOf(byte & 255) : number(input, at + 1, end - at - 1, 8) & 255)
    at = end
  }
  if (bytes.length === 0 || input.at(at) !== QUOTE) return
  means(bytes, at)
  if (input.at(at + 1) === QUOTE) means(bytes, at + 2)
}

/** %40, also when the percent sign was encoded again. */
function percent(input: Bytes, at: number, means: Means): void {
  let next = at + 1
  for (let times = 0; times < 3; times++) {
    const byte = number(input, next, 2, 16)
    if (byte < 0) return
    next += 2
    means([byte], next)
    if (byte !== PERCENT) return
  }
}

/** &amp; &#38; &#x26; and what becomes of them when they are escaped again. */
function entity(input: Bytes, at: number, means: Means): void {
  let next = at + 1
  for (let times = 0; times < 3; times++) {
    if (input.at(next) === code('#')) {
      const isHex = (input.at(next + 1) | 32) === code('x')
      const from = next + (isHex ? 2 : 1)
      const end = digitsEnd(input, from, MAX_DIGITS, isHex ? 16 : 10)
      if (end > from && input.at(end) === SEMICOLON)
        character(number(input, from, end - from, isHex ? 16 : 10), end + 1, means)
      return
    }
    let end = next
    while ((input.at(end) | 32) >= 97 && (input.at(end) | 32) <= 122 && end - next < 5) end++
    if (input.at(end) !== SEMICOLON) return
    const name = String.fromCharCode(...Array.from({ length: end - next }, (_, i) => input.at(next + i)))
    const text = Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : undefined
    if (text === undefined) return
    means([...Buffer.from(text)], end + 1)
    if (name !== 'amp') return
    next = end + 1
  }
}

/** Of JSON, C, shells and their kin. A backslash itself is `unit` of them; what is escaped has fewer in front. */
function backslashes(input: Bytes, at: number, unit: number, means: Means): void {
  let count = 1
  while (count < unit && input.at(at + count) === BACKSLASH) count++
  if (count === unit) {
    means([BACKSLASH], at + unit)
    return
  }
  const from = at + count
  const byte = input.at(from)
  if (byte < 0) return
  letter(byte, from + 1, means)
  if (byte === DOUBLE_QUOTE) {
    // Doubled in a table, then escaped.
    let second = from + 1
    while (input.at(second) === BACKSLASH && second < from + 1 + count) second++
    if (second === from + 1 + count && input.at(second) === DOUBLE_QUOTE) means([DOUBLE_QUOTE], second + 1)
  }
  if (byte === code('x')) {
    const value = number(input, from + 1, 2, 16)
    if (value >= 0) means([value], from + 3)
    if (value >= 0x80) character(value, from + 3, means)
  } else if (byte === code('u') && input.at(from + 1) === code('{')) {
    const end = digitsEnd(input, from + 2, MAX_DIGITS, 16)
    if (input.at(end) === code('}')) character(number(input, from + 2, end - from - 2, 16), end + 1, means)
  } else if (byte === code('u')) utf16(input, from + 1, unit, means)
  else if (byte === code('U')) character(number(input, from + 1, 8, 16), from + 9, means)
  else if (digit(byte, 8) >= 0) {
    const end = digitsEnd(input, from, 3, 8)
    means([number(input, from, end - from, 8) & 255], end)
  }
}

/** The character itself, and what it stands for as a letter behind a backslash. */
function letter(byte: number, next: number, means: Means): void {
  means([byte], next)
  const control = controlOf(byte)
  if (control >= 0) means([control], next)
}

/** Four digits, and four more behind another \u when they are half of a pair. */
function utf16(input: Bytes, at: number, unit: number, means: Means): void {
  const first = number(input, at, 4, 16)
  if (first < 0xd800 || first > 0xdbff) {
    character(first, at + 4, means)
    return
  }
  let next = at + 4
  while (input.at(next) === BACKSLASH && next < at + 4 + unit) next++
  if (next === at + 4 || input.at(next) !== code('u')) return
  const second = number(input, next + 1, 4, 16)
  if (second >= 0xdc00 && second <= 0xdfff)
    character(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00), next + 5, means)
}

function character(point: number, next: number, means: Means): void {
  if (point >= 0 && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff))
    means([...Buffer.from(String.fromCodePoint(point))], next)
}

function digitsEnd(input: Bytes, from: number, most: number, base: number): number {
  let end = from
  while (end - from < most && digit(input.at(end), base) >= 0) end++
  return end
}

/** -1 when these are not all digits, or none. */
function number(input: Bytes, from: number, length: number, base: number): number {
  let value = length > 0 ? 0 : -1
  for (let i = 0; i < length; i++) {
    const one = digit(input.at(from + i), base)
    if (one < 0) return -1
    value = value * base + one
  }
  return value
}

/** Of the base, or -1. */
export function digit(byte: number, base: number): number {
  const lower = byte | 32
  const value = byte >= 48 && byte <= 57 ? byte - 48 : byte >= 65 && lower >= 97 && lower <= 102 ? lower - 87 : -1
  return value < base ? value : -1
}
