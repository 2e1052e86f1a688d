// Owns the removal of secrets from a step's output before a byte of it leaves the host. Pure and streaming: however the
// input is cut into pieces, the output is the same.
import { limits } from '@ansflow/proto/limits'
import { FindSecrets, STARS } from './find-secrets.ts'
import { commandValue, mayBeCommand, nextCommand } from './mask-commands.ts'
import { addValue, MIN_PATTERN } from './mask-patterns.ts'
import { PatternTree } from './pattern-tree.ts'

const EMPTY = Buffer.alloc(0)
const NEWLINE = 10
const RETURN = 13
const COMMAND = Buffer.from('::add-mask::')
/** Longest line that may be a short secret, with its carriage return. */
const SHORT_LINE = MIN_PATTERN
const LINES_A_STEP = 4096

/**
 * What is masked: every value of 4 bytes or more wherever it occurs, and each of its lines of 4 or more: as it is, as hex, in dumps
 * byte by byte with their columns of text, and with any of its characters escaped as URLs, HTML, JSON (also within JSON), C, Python,
 * YAML, POSIX shells, PowerShell, `ls` and `cat -v` do it;
 * the value also as base64 and base64url, in any of the three alignments and folded. Of a text longer than 64 bytes, each
 * piece of 64 is masked wherever it occurs. A value of 1 to 3 bytes is masked only where it is a whole line: anywhere else it would
 * black out ordinary text. Overlapping finds become one `***`. A line `::add-mask::value` masks itself and adds the value
 * for all that follows. Values that are reversed, compressed or encrypted are not found, nor are mixtures such as the
 * base64 of a URL-encoded value.
 *
 * Masks are limited in number and size. Where more would be added, the rest of the output is `withheld`: all of it is dropped.
 *
 * Bytes that may still turn out to begin a secret are held back. `position` is the offset in the input up to which
 * everything is decided and given out: a new masker made with it, with `atLineStart` and the same values goes on exactly.
 */
export class Masker {
  /** Values that add-mask lines added, in order. */
  readonly added: string[] = []
  /** There were too many masks: from here nothing is given out. */
  withheld = false
  readonly #values = new Set<string>()
  #bytes = 0
  readonly #tree = new PatternTree()
  readonly #wholeLine = new Set<string>()
  readonly #find: FindSecrets
  /** Beginning of a line that may be a command or a short secret; not yet given to `#find`. */
  #line: Buffer = EMPTY
  #lineStarts: boolean
  /** Values of a command whose line has not ended. */
  #command: Buffer[] | undefined
  #commandBytes = 0
  #discard = false

  constructor(values: Iterable<string>, position = 0, atLineStart = true) {
    this.#lineStarts = atLineStart
    for (const value of values) this.#add(value)
    this.#find = new FindSecrets(this.#tree, position, atLineStart)
  }

  get position(): number {
    return this.#find.position
  }

  get atLineStart(): boolean {
    return this.#find.atLineStart
  }

  /** Longest input that a find can span: what a reader that begins in the middle must read ahead and throw away. */
  get overlap(): number {
    return limits.maskBytes
  }

  /** Whether masking would change the text. */
  conceals(text: string): boolean {
    return text !== '' && (this.withheld || this.mask(text) !== text)
  }

  /** A text of its own, masked as a whole. */
  mask(text: string): string {
    const lines = text.split('\n').map((line) => {
      return this.#isShortSecret(Buffer.from(line)) ? STARS.toString() : line
    })
    const out: Buffer[] = []
    const find = new FindSecrets(this.#tree)
    if (!find.push(Buffer.from(lines.join('\n')), out)) while (!find.goOn(out));
    find.flush(out)
    return Buffer.concat(out).toString()
  }

  push(chunk: Uint8Array): Buffer[] {
    const out: Buffer[] = []
    for (const _ of this.steps(chunk, out));
    return out
  }

  /** As push, but in steps of some milliseconds. `position` and `added` are to be looked at after the last one only. */
  *steps(chunk: Uint8Array, out: Buffer[]): Generator<void> {
    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    while (rest.length > 0 && !this.withheld) {
      rest = this.#command ? this.#continueCommand(this.#command, rest, out) : yield* this.#lines(rest, out)
      yield
    }
    if (rest.length > 0) this.#find.replace(rest, EMPTY, [])
  }

  /** The input has ended: what was held back is ordinary output after all. */
  end(): Buffer[] {
    const out: Buffer[] = []
    const line = this.#line
    this.#line = EMPTY
    if (this.#command) this.#endCommand(EMPTY, out)
    else if (this.#isShortSecret(line)) this.#find.replace(line, STARS, out)
    else for (const _ of this.#feed(line, out));
    this.#find.flush(out)
    return out
  }

  /** Moves over input without giving it out, but still obeys its add-mask lines. What was held back counts as skipped. */
  skip(chunk: Uint8Array): void {
    for (const _ of this.skipSteps(chunk));
  }

  *skipSteps(chunk: Uint8Array): Generator<void> {
    this.#discard = true
    this.#find.flush([])
    yield* this.steps(chunk, [])
    this.#discard = false
  }

  *#feed(input: Buffer, out: Buffer[]): Generator<void> {
    if (this.#discard) this.#find.replace(input, EMPTY, out)
    else if (!this.#find.push(input, out)) {
      do yield
      while (!this.#find.goOn(out))
    }
  }

  /** Input up to the next command goes on; answers what is left behind the command's beginning. */
  *#lines(input: Buffer, out: Buffer[]): Generator<void, Buffer> {
    const bytes = this.#line.length > 0 ? Buffer.concat([this.#line, input]) : input
    this.#line = EMPTY
    const place = nextCommand(bytes, this.#lineStarts)
    if (place) {
      yield* this.#linesOf(bytes.subarray(0, place.line), out)
      this.#command = []
      this.#commandBytes = place.value - place.line
      return bytes.subarray(place.value)
    }
    const last = bytes.lastIndexOf(NEWLINE) + 1
    const tail = bytes.subarray(last)
    const isOpen = (last > 0 || this.#lineStarts) && (this.#mayBeShort(tail) || mayBeCommand(tail))
    yield* this.#linesOf(isOpen ? bytes.subarray(0, last) : bytes, out)
    this.#lineStarts = isOpen
    if (isOpen) this.#line = Buffer.from(tail)
    return EMPTY
  }

  /** Lines without a command in them; only the last one may be unfinished, and is then no short secret. */
  *#linesOf(bytes: Buffer, out: Buffer[]): Generator<void> {
    let from = 0
    if (this.#wholeLine.size > 0) {
      let line = this.#lineStarts ? 0 : bytes.indexOf(NEWLINE) + 1 || bytes.length
      for (let count = 1; line < bytes.length; count++) {
        if (count % LINES_A_STEP === 0) yield
        const newline = bytes.indexOf(NEWLINE, line)
        if (newline < 0) break
        if (newline > line && newline - line <= SHORT_LINE && this.#isShortSecret(bytes.subarray(line, newline))) {
          yield* this.#feed(bytes.subarray(from, line), out)
          from = bytes[newline - 1] === RETURN ? newline - 1 : newline
          this.#find.replace(bytes.subarray(line, from), this.#discard ? EMPTY : STARS, out)
        }
        line = newline + 1
      }
    }
    yield* this.#feed(bytes.subarray(from), out)
  }

  #continueCommand(command: Buffer[], input: Buffer, out: Buffer[]): Buffer {
    const newline = input.indexOf(NEWLINE)
    const end = newline < 0 ? input.length : newline
    // What is longer than any mask may be is not kept.
    if (this.#commandBytes <= limits.maskBytes) command.push(Buffer.from(input.subarray(0, end)))
    this.#commandBytes += end
    if (newline < 0) return EMPTY
    this.#endCommand(input.subarray(newline, newline + 1), out)
    return input.subarray(newline + 1)
  }

  /** A whole add-mask line. Matching starts anew behind it, with one mask more. */
  #endCommand(newline: Buffer, out: Buffer[]): void {
    const value = commandValue(Buffer.concat(this.#command ?? []))
    const shown = value === '' ? Buffer.concat([COMMAND, newline]) : Buffer.concat([COMMAND, STARS, newline])
    this.#find.replace(newline, this.#discard ? EMPTY : shown, out, this.#commandBytes)
    this.#command = undefined
    this.#lineStarts = true
    const decoded = value.replace(/%(25|0D|0A)/gi, (code) => decodeURIComponent(code))
    if (value === '' || this.#values.has(value)) return
    if (this.#commandBytes > limits.maskBytes) this.withheld = true
    else if (this.#add(value) && this.#add(decoded)) this.added.push(value)
  }

  /** False: there is no room for it. */
  #add(value: string): boolean {
    if (this.#values.has(value)) return true
    this.#bytes += Buffer.byteLength(value)
    if (this.#values.size >= limits.masks || this.#bytes > limits.maskBytes) this.withheld = true
    if (this.withheld) return false
    this.#values.add(value)
    for (const short of addValue(this.#tree, value)) this.#wholeLine.add(short)
    return true
  }

  #isShortSecret(line: Buffer): boolean {
    return this.#wholeLine.has((line.at(-1) === RETURN ? line.subarray(0, -1) : line).toString())
  }

  #mayBeShort(line: Buffer): boolean {
    return this.#wholeLine.size > 0 && line.length <= SHORT_LINE
  }
}
