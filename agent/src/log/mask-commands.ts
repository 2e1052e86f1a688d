// Owns how an add-mask line is recognised: `::add-mask::` at the beginning of a line, in any case, behind blanks, colours, a window's title and
// a byte-order mark. Pure.

const COMMAND = '::add-mask::'
/** What a terminal does not show before a command; behind more of it it is none. */
const MAX_PREFIX = 256
const MAX_DIGITS = 30
const NEWLINE = 10
const ESCAPE = 27
const BELL = 7
/** Operating system command, such as a window's title: up to a bell or ESC \ . */
const TITLE = '\\u001b\\][^\\u0007\\u001b\\n]*'
const BYTE_ORDER_MARK = Buffer.from('\ufeff')

/** What begins a line and may still turn out to begin a command. */
const BEGINS = new RegExp(
  `^(?:[ \\t\\r]|\\u001b\\[[0-9;:]*[mK]|\\u001b\\(B|${TITLE}(?:\\u0007|\\u001b\\\\)|${BYTE_ORDER_MARK.toString('latin1')})*` +
    `(?:\\u001b(?:\\[[0-9;:]*|\\()?|${TITLE}\\u001b?|${beginnings(BYTE_ORDER_MARK.toString('latin1'))}|${beginnings(COMMAND)})?$`,
  'i',
)
// biome-ignore lint/suspicious/noControlCharactersInRegex: escapes are what is looked for
const ESCAPES_AROUND = /^(?:\s|\u001b\[[0-9;:]*[mK]|\u001b\(B)+|(?:\s|\u001b\[[0-9;:]*[mK]|\u001b\(B)+$/g

/** "ab" becomes "a(?:b)?": any beginning of the text. */
function beginnings(text: string): string {
  return [...text].reduceRight((rest, letter) => (rest === '' ? letter : `${letter}(?:${rest})?`), '')
}

export interface CommandPlace {
  /** Where its line begins. */
  line: number
  /** Where its value begins. */
  value: number
}

/** What is searched for natively: the rarest that stands in all spellings, and where in the command it stands. */
const NEEDLES = [Buffer.from('k::'), Buffer.from('K::')]
const NEEDLE_AT = COMMAND.length - 3

/** The first command; a line begins at 0 if `lineStarts`. */
export function nextCommand(bytes: Buffer, lineStarts: boolean): CommandPlace | undefined {
  const places = NEEDLES.map((needle) => commandWith(needle, bytes, lineStarts)).filter((place) => place !== undefined)
  return places.sort((one, other) => one.line - other.line)[0]
}

function commandWith(needle: Buffer, bytes: Buffer, lineStarts: boolean): CommandPlace | undefined {
  for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1)) {
    const begin = at - NEEDLE_AT
    if (begin < 0 || bytes.toString('latin1', begin, at + 3).toLowerCase() !== COMMAND) continue
    const line = lineOf(bytes, begin, lineStarts)
    if (line >= 0) return { line, value: begin + COMMAND.length }
  }
  return undefined
}

/** Where the line begins in which a terminal shows only blanks before `at`, or -1. */
function lineOf(bytes: Buffer, at: number, lineStarts: boolean): number {
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

/** Whether the beginning of a line may become a command with what follows. */
export function mayBeCommand(line: Buffer): boolean {
  return line.length <= MAX_PREFIX + COMMAND.length && BEGINS.test(line.toString('latin1'))
}

/** What the command adds: without the colours and blanks around it. */
export function commandValue(text: Buffer): string {
  return text.toString().replace(ESCAPES_AROUND, '')
}
