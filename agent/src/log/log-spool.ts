// Owns a job's log on this host: follows the raw output, masks it, and keeps the masked bytes that offsets refer to.
import { createHash, type Hash } from 'node:crypto'
import {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs'
import { limits } from '@ansflow/proto/limits'
import { AnnotationFinder, type Annotations } from './annotations.ts'
import { createLineTimes, type LineTimes } from './line-times.ts'
import { Masker } from './mask.ts'
import { openStateFile, type StateFile } from './spool-state.ts'
import { inTurns, turn } from './turns.ts'

const READ_BYTES = 256 * 1024
const PUNCH_EVERY = 8 * 1024 * 1024
const MAX_TAIL = 1024 * 1024
const WITHHELD = `The step has more than ${limits.masks} masks, or more than ${limits.maskBytes} bytes of them. What it prints from here on is withheld, because it could not be masked.`

export interface SpoolFiles {
  raw: string
  masked: string
  state: string
  /** Values of add-mask lines, 0600 like the output that they came from. */
  added: string
}

/**
 * Raw bytes are consumed up to `#raw` and stand masked in the masked file up to `size`; both are noted together after
 * each batch, and only noted bytes are sent. A restarted agent cuts the masked file to the noted size and goes on from
 * the noted raw offset, with the same bytes as if it had never ended.
 *
 * Of more than `limit` raw bytes the head and the tail are kept; the middle is cut, with a line that says how much.
 */
export class LogSpool {
  /** Bytes of the masked log that may be sent. */
  size = 0
  /** Bytes that the controller has durably stored. */
  acknowledged = 0
  final = false
  readonly times: LineTimes = createLineTimes()
  readonly #rawFile: string
  #rawFd: number | undefined
  readonly #maskedFd: number
  readonly #state: StateFile
  readonly #addedFile: string
  readonly #limit: number
  readonly #tail: number
  readonly #onPunch: (bytes: number) => void
  /** Raw output passes through here; a new masker, and whoever waits for a turn, keep copies only. */
  #buffer: Buffer | undefined
  #masker: Masker | undefined
  /** Raw bytes consumed, as noted; a masker starts here. */
  #raw = 0
  #read = 0
  #lineStart = true
  #headDone = false
  #noSecrets = false
  #withheld = false
  #closed = false
  /** What reads raw output comes one after the other. */
  #busy: Promise<unknown> = Promise.resolve()
  #punched = 0
  #hash: Hash = createHash('sha256')
  readonly #marked = new AnnotationFinder()
  /** Bytes of the masked log that have gone through these two. After a restart all of it goes through them again. */
  #hashed = 0

  constructor(files: SpoolFiles, limit: number, onPunch: (bytes: number) => void) {
    this.#rawFile = files.raw
    this.#maskedFd = openSync(files.masked, 'a+', 0o600)
    this.#state = openStateFile(files.state)
    this.#addedFile = files.added
    this.#limit = limit
    this.#tail = Math.min(MAX_TAIL, Math.floor(limit / 4))
    this.#onPunch = onPunch
    this.#restore()
  }

  get hasMasks(): boolean {
    return this.#masker !== undefined
  }

  /** Raw output starts to flow. Repeated calls change nothing. */
  useSecrets(secrets: readonly string[]): void {
    if (this.#masker) return
    const added = existsSync(this.#addedFile) ? readFileSync(this.#addedFile, 'utf8').split('\n').filter(Boolean) : []
    const values = added.map((line) => Buffer.from(line, 'base64').toString())
    this.#masker = new Masker([...secrets, ...values], this.#raw, this.#lineStart)
    this.#read = this.#raw
    this.#noSecrets = secrets.length === 0
    this.#note()
  }

  /** What a text of the step's holds can be told apart from its secrets. */
  get knowsSecrets(): boolean {
    return this.hasMasks && !this.#withheld
  }

  /** The secrets alone are more than can be masked. */
  get hasTooMany(): boolean {
    return this.#masker?.withheld ?? false
  }

  /** Without the secrets nothing is known to be none. */
  conceals(text: string): boolean {
    return this.knowsSecrets ? this.#masker!.conceals(text) : text !== ''
  }

  /** A sentence of the agent's own as it may be told. Before the secrets are known it cannot have one. */
  masked(text: string): string {
    return this.#masker?.mask(text) ?? text
  }

  /** Takes what the step has written since, some of it, when it is its turn. True: there is more right now. */
  pump(): Promise<boolean> {
    return this.#alone(async () => {
      const masker = this.#masker
      if (!masker || this.final) return false
      await this.#sumUp()
      if (this.#withheld) this.#moveOn()
      else if (this.#headDone) return this.#skipMiddle(masker)
      else return this.#takeHead(masker)
      return false
    })
  }

  /** A line of the agent's own. Answers where it begins. */
  say(text: string): number {
    const begin = this.#endsLine() ? '' : '\n'
    const at = this.size + begin.length
    this.#append([Buffer.from(`${begin}[ansflow] ${this.masked(text)}\n`)])
    return at
  }

  /** The step has ended: takes the rest, cuts the middle if there is too much, and closes the log. */
  async finish(): Promise<void> {
    while (await this.pump());
    await this.sumUp()
    await this.#alone(async () => {
      const masker = this.#masker
      if (!masker || this.final || this.#closed) return
      const rawSize = this.#rawSize()
      if (!this.#withheld) {
        if (rawSize > this.#limit || this.#headDone) await this.#finishCut(masker, rawSize)
        else {
          while (await this.#take(masker, READ_BYTES));
          this.#append(masker.end(), masker)
        }
      }
      this.#raw = Math.max(this.#raw, rawSize)
    })
  }

  /** The secrets are not to be had any more: what is not masked yet is dropped, and the log says so. */
  finishWithoutSecrets(): void {
    if (this.final) return
    const missing = this.#rawSize() - this.#raw
    if (missing <= 0) return
    this.say(`${missing} bytes of output dropped: the agent was restarted and could not mask them any more.`)
    this.#raw += missing
  }

  /** Nothing more comes. */
  seal(): void {
    this.final = true
    this.#note()
  }

  /** Sealed, and its sum is known: after a restart that takes until `sumUp` has read all of it. */
  get isWhole(): boolean {
    return this.final && this.#hashed === this.size
  }

  sumUp(): Promise<void> {
    return this.#alone(() => this.#sumUp())
  }

  /** What the log marks for people. Undefined: it was begun before a restart and is not summed up. */
  get annotations(): Annotations | undefined {
    return this.#hashed === this.size ? this.#marked.all : undefined
  }

  sha256(): Uint8Array {
    return this.#hash.copy().digest()
  }

  /** Into a buffer of the caller's, if there is one. */
  readMasked(offset: number, length: number, into?: Buffer): Buffer {
    return readAt(this.#maskedFd, offset, Math.min(length, this.size - offset), into)
  }

  acknowledge(stored: number): void {
    if (stored <= this.acknowledged) return
    this.acknowledged = stored
    this.#note()
  }

  /** Raw output not yet masked and masked output, as they lie on the disk. */
  get bytesOnDisk(): number {
    const raw = this.#rawFd === undefined ? 0 : fstatSync(this.#rawFd).blocks
    return (raw + fstatSync(this.#maskedFd).blocks) * 512
  }

  close(): void {
    this.#closed = true
    if (this.#rawFd !== undefined) closeSync(this.#rawFd)
    closeSync(this.#maskedFd)
    this.#state.close()
  }

  /** The wrapper makes the file; until then there is no output. */
  #rawSize(): number {
    if (this.#rawFd === undefined && existsSync(this.#rawFile)) this.#rawFd = openSync(this.#rawFile, 'r')
    return this.#rawFd === undefined ? 0 : fstatSync(this.#rawFd).size
  }

  #readRaw(length: number): Buffer {
    if (length <= 0 || this.#rawFd === undefined) return Buffer.alloc(0)
    this.#buffer ??= Buffer.allocUnsafeSlow(READ_BYTES)
    const count = readSync(this.#rawFd, this.#buffer, 0, Math.min(length, READ_BYTES), this.#read)
    this.#read += count
    return this.#buffer.subarray(0, count)
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#busy.then(work)
    this.#busy = result.catch(() => {})
    return result
  }

  /** False when there is nothing to take. Whoever closes the spool meanwhile wants nothing of it any more. */
  async #take(masker: Masker, most: number): Promise<boolean> {
    // Mostly what comes at the end has been taken: nothing of it waits for a turn.
    if (this.#closed || this.#rawSize() <= this.#read) return false
    await turn()
    if (this.#closed) return false
    const chunk = this.#readRaw(most)
    const out: Buffer[] = []
    if (chunk.length === 0 || !(await inTurns(masker.steps(chunk, out), () => !this.#closed))) return false
    this.#append(out, masker)
    return !this.#withheld
  }

  async #takeHead(masker: Masker): Promise<boolean> {
    const headEnd = this.#limit - this.#tail
    await this.#take(masker, headEnd - this.#read)
    if (this.#closed) return false
    const rawSize = this.#rawSize()
    if (this.#read === headEnd && rawSize > this.#limit) {
      this.#headDone = true
      this.#note()
    }
    this.#punch(masker.position)
    return this.#read < Math.min(rawSize, headEnd) || this.#headDone
  }

  /** Over the limit only the tail will be kept: the middle is looked at for add-mask lines and its disk blocks go. */
  async #skipMiddle(masker: Masker): Promise<boolean> {
    await turn()
    if (this.#closed) return false
    const end = this.#rawSize() - this.#tail - masker.overlap
    const chunk = this.#readRaw(end - this.#read)
    if (!(await inTurns(masker.skipSteps(chunk), () => !this.#closed))) return false
    this.#append([], masker)
    this.#punch(this.#read)
    return this.#read < end
  }

  async #finishCut(masker: Masker, rawSize: number): Promise<void> {
    const kept = this.#raw
    const tailStart = Math.max(kept, rawSize - this.#tail)
    const run = async (upTo: number, steps: (chunk: Buffer) => Iterable<void>) => {
      while (this.#read < upTo) {
        await turn()
        const chunk = this.#readRaw(Math.min(READ_BYTES, upTo - this.#read))
        if (chunk.length === 0 || !(await inTurns(steps(chunk), () => !this.#closed))) return
      }
    }
    // A secret that crosses the start of the tail ends within the overlap, whose masked form is thrown away.
    await run(Math.max(kept, this.#read, tailStart - masker.overlap), (chunk) => masker.skipSteps(chunk))
    masker.skip(Buffer.alloc(0))
    await run(tailStart, (chunk) => masker.steps(chunk, []))
    const cut = masker.position - kept
    const begin = this.#endsLine() ? '' : '\n'
    const pieces: Buffer[] = [
      Buffer.from(`${begin}[ansflow] ${cut} bytes of output cut here: a log keeps at most ${this.#limit} bytes.\n`),
    ]
    await run(rawSize, (chunk) => masker.steps(Buffer.from(chunk), pieces))
    if (this.#closed) return
    pieces.push(...masker.end())
    // One batch: a restart in its middle begins it anew.
    this.#append(pieces, masker)
  }

  /** Nothing of it is looked at any more. */
  #moveOn(): void {
    this.#raw = this.#rawSize()
    this.#read = this.#raw
    this.#note()
    this.#punch(this.#raw)
  }

  #endsLine(): boolean {
    return this.size === 0 || this.readMasked(this.size - 1, 1)[0] === 10
  }

  /** With a masker: up to its position, the masked bytes of all raw ones are written with these. Noted as one. */
  #append(pieces: Buffer[], masker?: Masker): void {
    if (masker?.withheld && !this.#withheld) {
      this.#withheld = true
      const begin = (pieces.at(-1)?.at(-1) ?? 10) === 10 ? '' : '\n'
      pieces.push(Buffer.from(`${begin}[ansflow] ${WITHHELD}\n`))
    }
    let size = this.size
    for (const piece of pieces) {
      let at = 0
      while (at < piece.length) at += writeSync(this.#maskedFd, piece, at)
      if (this.#hashed === size) this.#sum(piece)
      size += piece.length
    }
    if (masker) {
      const added = masker.added.splice(0).map((value) => `${Buffer.from(value).toString('base64')}\n`)
      if (added.length > 0) appendFileSync(this.#addedFile, added.join(''), { mode: 0o600 })
      if (!this.#headDone) {
        this.#raw = masker.position
        this.#lineStart = masker.atLineStart
      }
    }
    this.#note(size)
    this.times.mark(size)
    this.size = size
  }

  #note(size = this.size): void {
    this.#state.write({
      raw: this.#raw,
      size,
      acknowledged: this.acknowledged,
      lineStart: this.#lineStart,
      headDone: this.#headDone,
      final: this.final,
      noSecrets: this.#noSecrets,
      withheld: this.#withheld,
    })
  }

  async #sumUp(): Promise<void> {
    while (this.#hashed < this.size && !this.#closed) {
      const chunk = this.readMasked(this.#hashed, 4 * READ_BYTES)
      this.#sum(chunk)
      await turn()
    }
  }

  #sum(bytes: Buffer): void {
    this.#hash.update(bytes)
    this.#marked.pass(bytes)
    this.#hashed += bytes.length
  }

  #restore(): void {
    const state = this.#state.read()
    if (!state) return
    this.#raw = state.raw
    this.#read = state.raw
    this.size = state.size
    this.acknowledged = state.acknowledged
    this.#lineStart = state.lineStart
    this.#headDone = state.headDone
    this.final = state.final
    this.#withheld = state.withheld
    ftruncateSync(this.#maskedFd, this.size)
    if (state.noSecrets) this.useSecrets([])
  }

  #punch(upTo: number): void {
    if (upTo - this.#punched < PUNCH_EVERY) return
    this.#punched = upTo
    this.#onPunch(upTo)
  }
}

function readAt(fd: number, offset: number, length: number, into?: Buffer): Buffer {
  if (length <= 0) return Buffer.alloc(0)
  const buffer = into ?? Buffer.allocUnsafe(length)
  return buffer.subarray(0, readSync(fd, buffer, 0, length, offset))
}
