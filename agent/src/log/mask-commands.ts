// Owns how an add-mask line is recognised: `::add-mask::` at the beginning of a line, in any case. Pure.
import { beginsLine, lineOf, MAX_PREFIX } from './line-beginning.ts'

const COMMAND = '::add-mask::'
/** What begins a line and may still turn out to begin a command. */
const BEGINS = beginsLine(COMMAND)
// biome-ignore lint/suspicious/noControlCharactersInRegex: escapes are what is looked for
const UNSEEN_BEFORE = /^(?:\s|\u001b\[[0-9;:]*[mK]|\u001b\(B)+/
// biome-ignore lint/suspicious/noControlCharactersInRegex: the same
const ESCAPE = /^\u001b(?:\[[0-9;:]*[mK]|\(B)$/

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

/** Whether the beginning of a line may become a command with what follows. */
export function mayBeCommand(line: Buffer): boolean {
  return line.length <= MAX_PREFIX + COMMAND.length && BEGINS.test(line.toString('latin1'))
}

/** What the command adds: without the colours and blanks around it. */
export function commandValue(text: Buffer): string {
  const value = text.toString().replace(UNSEEN_BEFORE, '')
  // From its end, so that each sign is looked at once: the blanks within it may be many.
  for (let end = value.length; ; ) {
    const shown = value.slice(0, end).trimEnd()
    const last = shown.lastIndexOf('\u001b')
    if (last < 0 || !ESCAPE.test(shown.slice(last))) return shown
    end = last
  }
}
