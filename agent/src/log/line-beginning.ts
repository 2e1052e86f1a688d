// Owns what a terminal does not show at the beginning of a line, before a command (`::error::`): blanks, colours, a window's title and a
// byte-order mark. Pure.

/** Behind more of it there is no command. */
export const MAX_PREFIX = 256
const MAX_DIGITS = 30
const NEWLINE = 10
const ESCAPE = 27
const BELL = 7
/** Operating system command, such as a window's title: up to a bell or ESC \ . */
const TITLE = '\\u001b\\][^\\u0007\\u001b\\n]*'
const BYTE_ORDER_MARK = Buffer.from('\ufeff')
const MARK = BYTE_ORDER_MARK.toString('latin1')
const UNSEEN = `(?:[ \\t\\r]|\\u001b\\[[0-9;:]*[mK]|\\u001b\\(B|${TITLE}(?:\\u0007|\\u001b\\\\)|${MARK})`

/** The beginning of a line, as Latin-1, that one of these commands may still follow, or has begun with it. */
export function beginsLine(...commands: string[]): RegExp {
  const begun = [`\\u001b(?:\\[[0-9;:]*|\\()?`, `${TITLE}\\u001b?`, beginnings(MARK), ...commands.map(beginnings)]
  return new RegExp(`^${UNSEEN}*(?:${begun.join('|')})?$`, 'i')
}

/** "ab" becomes "a(?:b)?": any beginning of the text. */
function beginnings(text: string): string {
  return [...text].reduceRight((rest, letter) => (rest === '' ? letter : `${letter}(?:${rest})?`), '')
}

/** Where the line begins in which a terminal shows only blanks before `at`, or -1. The bytes begin a line if `lineStarts`. */
export function lineOf(bytes: Buffer, at: number, lineStarts: boolean): number {
  let begin = at
  while (at - begin <= MAX_PREFIX) {
    if (begin === 0) return lineStarts ? 0 : -1
    const byte = bytes[begin - 1]!
    if (byte === NEWLINE) return begin
    if (byte === 32 || byte === 9 || byte === 13) begin--
    else {
      begin = unseenBefore(bytes, begin)
      if (begin < 0) return -1
    }
  }
  return -1
}

/** Where the escape or mark begins that ends before `end`, or -1. */
function unseenBefore(bytes: Buffer, end: number): number {
  const final = bytes[end - 1]!
  if (final === BELL) return titleBefore(bytes, end - 1)
  if (final === 92) return bytes[end - 2] === ESCAPE ? titleBefore(bytes, end - 2) : -1
  if (final === BYTE_ORDER_MARK.at(-1)) {
    const begin = end - BYTE_ORDER_MARK.length
    return begin >= 0 && bytes.subarray(begin, end).equals(BYTE_ORDER_MARK) ? begin : -1
  }
  if (final === 66) return bytes[end - 2] === 40 && bytes[end - 3] === ESCAPE ? end - 3 : -1
  if (final !== 109 && final !== 75) return -1
  let at = end - 2
  while (at >= 0 && end - at < MAX_DIGITS && bytes[at]! >= 48 && bytes[at]! <= 59) at--
  return bytes[at] === 91 && bytes[at - 1] === ESCAPE ? at - 1 : -1
}

/** Where the title begins whose text ends before `end`, or -1. */
function titleBefore(bytes: Buffer, end: number): number {
  for (let at = end - 1; at > 0 && end - at <= MAX_PREFIX && bytes[at] !== NEWLINE && bytes[at] !== ESCAPE; at--) {
    if (bytes[at] === 93 && bytes[at - 1] === ESCAPE) return at - 1
  }
  return -1
}
