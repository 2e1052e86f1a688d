// Owns the removal of secrets from a step's output before a byte of it leaves the host. Pure and streaming: however the
// input is cut into pieces, the output is the same.
import { FindSecrets, STARS } from './find-secrets.ts'
import { maskPatterns } from './mask-patterns.ts'

const EMPTY = Buffer.alloc(0)
const NEWLINE = 10
const RETURN = 13
const COMMAND = Buffer.from('::add-mask::')
/** A longer add-mask line is masked to its end, but only this much of it becomes a mask. */
const MAX_COMMAND = 16 * 1024

/**
 * What is masked: every value of 4 bytes or more wherever it occurs, and each of its lines of 4 or more; the value also as
 * base64 and base64url (in any of the three alignments, folded at 64 or 76 columns), hex, URL-encoded and JSON-escaped. A value
 * of 1 to 3 bytes is masked only where it is a whole line: anywhere else it would black out ordinary text. Overlapping
 * finds become one `***`. A line `::add-mask::value` masks itself and adds the value for all that follows. Values that
 * are reversed, compressed or encrypted are not found.
 *
 * Bytes that may still turn out to begin a secret are held back. `position` is the offset in the input up to which
 * everything is decided and given out: a new masker made with it, with `atLineStart` and the same values goes on exactly.
 */
export class Masker {
  /** Values that add-mask lines added, in order. */
  readonly added: string[] = []
  #values: Set<string>
  #anywhere: Buffer[] = []
  #wholeLine: Buffer[] = []
  #find: FindSecrets
  /** Beginning of a line that may be a command or a short secret; not yet given to `#find`. */
  #line: Buffer = EMPTY
  #lineStarts: boolean
  #inCommand = false
  /** Bytes of an overlong command that were not kept. */
  #dropped = 0
  #discard = false

  constructor(values: Iterable<string>, position = 0, atLineStart = true) {
    this.#values = new Set(values)
    this.#lineStarts = atLineStart
    this.#find = new FindSecrets(position, atLineStart)
    this.#rebuild()
  }

  get position(): number {
    return this.#find.position
  }

  get atLineStart(): boolean {
    return this.#find.atLineStart
  }

  /** Longest input that a find can span: what a reader that begins in the middle must read ahead and throw away. */
  get overlap(): number {
    return Math.max(this.#find.longest, MAX_COMMAND)
  }

  /** Whether masking would change the text. */
  conceals(text: string): boolean {
    const bytes = Buffer.from(text)
    if (this.#anywhere.some((pattern) => bytes.includes(pattern))) return true
    return text.split('\n').some((line) => this.#isShortSecret(Buffer.from(line)))
  }

  push(chunk: Uint8Array): Buffer[] {
    const out: Buffer[] = []
    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    while (rest.length > 0) {
      if (this.#inCommand) rest = this.#continueCommand(rest, out)
      else if (this.#lineStarts) rest = this.#startLine(rest, out)
      else rest = this.#continueLine(rest, out)
    }
    return out
  }

  /** The input has ended: what was held back is ordinary output after all. */
  end(): Buffer[] {
    const out: Buffer[] = []
    const line = this.#line
    this.#line = EMPTY
    if (this.#inCommand) this.#command(line, EMPTY, out)
    else if (this.#isShortSecret(line)) this.#find.replace(line, STARS, out)
    else this.#feed(line, out)
    this.#find.flush(out)
    return out
  }

  /** Moves over input without giving it out, but still obeys its add-mask lines. What was held back counts as skipped. */
  skip(chunk: Uint8Array): void {
    this.#discard = true
    this.#find.flush([])
    this.push(chunk)
    this.#discard = false
  }

  #feed(input: Buffer, out: Buffer[]): void {
    if (this.#discard) this.#find.replace(input, EMPTY, out)
    else this.#find.push(input, out)
  }

  /** In the middle of a line: all input up to the next line that could matter goes on at once. Answers what is left. */
  #continueLine(input: Buffer, out: Buffer[]): Buffer {
    let newline: number
    if (this.#wholeLine.length > 0) newline = input.indexOf(NEWLINE)
    else {
      // Most output has no command at all: one native search instead of a stop at each line.
      newline = input.indexOf('\n::')
      const last = input.length - 1
      if (newline < 0)
        newline = input[last] === NEWLINE ? last : input[last] === 58 && input[last - 1] === NEWLINE ? last - 1 : -1
    }
    const end = newline < 0 ? input.length : newline + 1
    this.#lineStarts = newline >= 0
    this.#feed(input.subarray(0, end), out)
    return input.subarray(end)
  }

  #startLine(input: Buffer, out: Buffer[]): Buffer {
    const newline = input.indexOf(NEWLINE)
    const take = Math.min(newline < 0 ? input.length : newline, COMMAND.length - this.#line.length)
    const line = Buffer.concat([this.#line, input.subarray(0, take)])
    const rest = input.subarray(take)
    const complete = take === newline
    this.#line = EMPTY
    if (line.equals(COMMAND)) {
      this.#inCommand = true
      this.#line = line
      return rest
    }
    if (complete && this.#isShortSecret(line)) {
      this.#lineStarts = false
      this.#find.replace(line, line.at(-1) === RETURN ? Buffer.from('***\r') : STARS, out)
      return rest
    }
    if (!complete && (COMMAND.subarray(0, line.length).equals(line) || this.#mayBeShortSecret(line))) {
      this.#line = line
      return rest
    }
    this.#lineStarts = false
    this.#feed(line, out)
    return rest
  }

  #continueCommand(input: Buffer, out: Buffer[]): Buffer {
    const newline = input.indexOf(NEWLINE)
    const end = newline < 0 ? input.length : newline
    const take = Math.min(end, MAX_COMMAND - this.#line.length)
    if (take > 0) this.#line = Buffer.concat([this.#line, input.subarray(0, take)])
    this.#dropped += end - take
    if (newline < 0) return EMPTY
    const line = this.#line
    this.#line = EMPTY
    this.#command(line, input.subarray(newline, newline + 1), out)
    return input.subarray(newline + 1)
  }

  /** A whole add-mask line. Matching starts anew behind it, with one mask more. */
  #command(line: Buffer, newline: Buffer, out: Buffer[]): void {
    this.#inCommand = false
    this.#lineStarts = true
    const value = line.subarray(COMMAND.length).toString().replace(/\r$/, '')
    const shown = value === '' ? Buffer.concat([line, newline]) : Buffer.concat([COMMAND, STARS, newline])
    this.#find.replace(Buffer.concat([line, newline]), this.#discard ? EMPTY : shown, out, this.#dropped)
    this.#dropped = 0
    if (value === '') return
    this.added.push(value)
    this.#values.add(value).add(value.replace(/%(25|0D|0A)/gi, (code) => decodeURIComponent(code)))
    this.#rebuild()
  }

  #rebuild(): void {
    const { anywhere, wholeLine } = maskPatterns(this.#values)
    this.#anywhere = anywhere
    this.#wholeLine = wholeLine
    this.#find.use(anywhere)
  }

  #isShortSecret(line: Buffer): boolean {
    const bare = line.at(-1) === RETURN ? line.subarray(0, -1) : line
    return this.#wholeLine.some((secret) => secret.equals(bare))
  }

  #mayBeShortSecret(line: Buffer): boolean {
    return this.#wholeLine.some((secret) => Buffer.concat([secret, Buffer.from('\r')]).indexOf(line) === 0)
  }
}
