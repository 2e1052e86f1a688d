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
import { createLineTimes, type LineTimes } from './line-times.ts'
import { Masker } from './mask.ts'
import { openStateFile, type StateFile } from './spool-state.ts'

const READ_BYTES = 256 * 1024
/** Raw output passes through one buffer: reading blocks, so no two reads overlap, and the masker keeps copies only. */
const scratch = Buffer.allocUnsafeSlow(4 * READ_BYTES)
const PUNCH_EVERY = 8 * 1024 * 1024
const MAX_TAIL = 1024 * 1024

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
  #masker: Masker | undefined
  /** Raw bytes consumed, as noted; a masker starts here. */
  #raw = 0
  #read = 0
  #lineStart = true
  #headDone = false
  #noSecrets = false
  #punched = 0
  #hash: Hash = createHash('sha256')
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
    this.#note(this.#masker)
  }

  conceals(text: string): boolean {
    return this.#masker?.conceals(text) ?? false
  }

  /** Takes what the step has written since. True: there is more right now. */
  pump(): boolean {
    const masker = this.#masker
    if (!masker || this.final) return false
    const rawSize = this.#rawSize()
    const headEnd = this.#limit - this.#tail
    if (this.#headDone) return this.#skipMiddle(masker, rawSize)
    const chunk = this.#readRaw(Math.min(READ_BYTES, headEnd - this.#read))
    if (chunk.length > 0) this.#append(masker.push(chunk), masker)
    if (this.#read === headEnd && rawSize > this.#limit) {
      this.#headDone = true
      this.#note(masker)
    }
    this.#punch(masker.position)
    return this.#read < Math.min(rawSize, headEnd) || this.#headDone
  }

  /** A line of the agent's own; one that would tell a secret (in an output's name) tells nothing. */
  say(text: string): void {
    const begin = this.#endsLine() ? '' : '\n'
    this.#append([Buffer.from(`${begin}[ansflow] ${this.conceals(text) ? '***' : text}\n`)], this.#masker)
  }

  /** The step has ended: takes the rest, cuts the middle if there is too much, and closes the log. */
  finish(): void {
    const masker = this.#masker
    if (!masker || this.final) return
    while (this.pump());
    const rawSize = this.#rawSize()
    if (rawSize > this.#limit || this.#headDone) this.#finishCut(masker, rawSize)
    else {
      for (let chunk = this.#readRaw(READ_BYTES); chunk.length > 0; chunk = this.#readRaw(READ_BYTES)) {
        this.#append(masker.push(chunk), masker)
      }
      this.#append(masker.end(), masker)
    }
    this.#raw = Math.max(this.#raw, rawSize)
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
    this.#note(this.#masker)
  }

  sha256(): Uint8Array {
    for (
      let chunk = this.readMasked(this.#hashed, READ_BYTES);
      chunk.length > 0;
      chunk = this.readMasked(this.#hashed, READ_BYTES)
    ) {
      this.#hash.update(chunk)
      this.#hashed += chunk.length
    }
    return this.#hash.copy().digest()
  }

  readMasked(offset: number, length: number): Buffer {
    return readAt(this.#maskedFd, offset, Math.min(length, this.size - offset))
  }

  acknowledge(stored: number): void {
    if (stored <= this.acknowledged) return
    this.acknowledged = stored
    this.#note(this.#masker)
  }

  /** Raw output not yet masked and masked output, as they lie on the disk. */
  get bytesOnDisk(): number {
    const raw = this.#rawFd === undefined ? 0 : fstatSync(this.#rawFd).blocks
    return (raw + fstatSync(this.#maskedFd).blocks) * 512
  }

  close(): void {
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
    if (length <= 0 || this.#rawFd === undefined) return scratch.subarray(0, 0)
    const count = readSync(this.#rawFd, scratch, 0, Math.min(length, scratch.length), this.#read)
    this.#read += count
    return scratch.subarray(0, count)
  }

  /** Over the limit only the tail will be kept: the middle is looked at for add-mask lines and its disk blocks go. */
  #skipMiddle(masker: Masker, rawSize: number): boolean {
    const end = rawSize - this.#tail - masker.overlap
    const chunk = this.#readRaw(Math.min(4 * READ_BYTES, end - this.#read))
    if (chunk.length > 0) masker.skip(chunk)
    this.#saveAdded(masker)
    this.#punch(this.#read)
    return this.#read < end
  }

  #finishCut(masker: Masker, rawSize: number): void {
    const kept = this.#raw
    const tailStart = Math.max(kept, rawSize - this.#tail)
    // A secret that crosses the start of the tail ends within the overlap, whose masked form is thrown away.
    const from = Math.max(kept, this.#read, tailStart - masker.overlap)
    while (this.#read < from) masker.skip(this.#readRaw(Math.min(READ_BYTES, from - this.#read)))
    masker.skip(Buffer.alloc(0))
    while (this.#read < tailStart) masker.push(this.#readRaw(Math.min(READ_BYTES, tailStart - this.#read)))
    const cut = masker.position - kept
    const begin = this.#endsLine() ? '' : '\n'
    const pieces: Buffer[] = [
      Buffer.from(`${begin}[ansflow] ${cut} bytes of output cut here: a log keeps at most ${this.#limit} bytes.\n`),
    ]
    for (let chunk = this.#readRaw(READ_BYTES); chunk.length > 0; chunk = this.#readRaw(READ_BYTES))
      pieces.push(...masker.push(chunk).map((piece) => Buffer.from(piece)))
    pieces.push(...masker.end())
    // One batch: a restart in its middle begins it anew.
    this.#append(pieces, masker)
  }

  #endsLine(): boolean {
    return this.size === 0 || this.readMasked(this.size - 1, 1)[0] === 10
  }

  #append(pieces: Buffer[], masker: Masker | undefined): void {
    let size = this.size
    for (const piece of pieces) {
      let at = 0
      while (at < piece.length) at += writeSync(this.#maskedFd, piece, at)
      if (this.#hashed === size) {
        this.#hash.update(piece)
        this.#hashed += piece.length
      }
      size += piece.length
    }
    if (masker) this.#saveAdded(masker)
    this.#note(masker, size)
    this.times.mark(size)
    this.size = size
  }

  #saveAdded(masker: Masker): void {
    for (const value of masker.added.splice(0)) {
      appendFileSync(this.#addedFile, `${Buffer.from(value).toString('base64')}\n`, { mode: 0o600 })
    }
  }

  #note(masker: Masker | undefined, size = this.size): void {
    if (masker && !this.#headDone) {
      this.#raw = masker.position
      this.#lineStart = masker.atLineStart
    }
    this.#state.write({
      raw: this.#raw,
      size,
      acknowledged: this.acknowledged,
      lineStart: this.#lineStart,
      headDone: this.#headDone,
      final: this.final,
      noSecrets: this.#noSecrets,
    })
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
    ftruncateSync(this.#maskedFd, this.size)
    if (state.noSecrets) this.useSecrets([])
  }

  #punch(upTo: number): void {
    if (upTo - this.#punched < PUNCH_EVERY) return
    this.#punched = upTo
    this.#onPunch(upTo)
  }
}

function readAt(fd: number, offset: number, length: number): Buffer {
  if (length <= 0) return Buffer.alloc(0)
  const buffer = Buffer.allocUnsafe(length)
  return buffer.subarray(0, readSync(fd, buffer, 0, length, offset))
}
