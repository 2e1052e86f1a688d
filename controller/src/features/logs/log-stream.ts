// One agent's log stream: takes bytes in order, once, and answers with what is durably stored.
import { createHash, type Hash } from 'node:crypto'
import { invalidField } from '@ansflow/proto/errors'
import type { JobRef, LogsRequest, LogsResponseSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { logMessage } from '@ansflow/proto/limits'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import { statement } from '../../platform/statement.ts'
import { isTurnUsedUp, nextTurn, spent } from '../../platform/turns.ts'
import { type JobLog, jobLog } from '../runs/index.ts'
import { countLineEnds, cutEnd, cutOverlap, type LogPiece, pieceOf, tailBytes } from './chunk.ts'
import { countOf, sameTime } from './line-times.ts'
import { isWhole } from './log-end.ts'
import { type LogTables, unpackRow } from './log-tables.ts'
import type { LogWriter, OpenLog } from './log-writer.ts'
import { readRows } from './read-log.ts'
import { fillRange, Refill } from './refill.ts'

export interface LogPipe {
  send(response: MessageInitShape<typeof LogsResponseSchema>): void
}

export interface LogStreamDeps {
  db: Db
  writer: LogWriter
  clock: Clock
  log: Logger
  /** Values to look for in the log of a job: the secrets it was started with. */
  secretsOf(log: JobLog): Promise<string[]>
  /** What more the job was given by now, of what is not in `known` (and is then). */
  given?: (jobId: string, known: Set<string>) => Promise<string[]>
  /** All of a log is stored: resolves when its run knows. Said again when nobody knows whether it was. */
  whole(log: { runId: string; jobId: string; size: number; hasAccess: boolean }): Promise<unknown>
  /** Bytes of one job's log; what comes after is refused. */
  hardLimit?: number
}

const tellAgainMs = 1000
const defaultHardLimit = 1024 * 1024 * 1024

interface StreamLog extends OpenLog {
  ref: JobRef
  runId: string
  /** Its run is being told that it is whole. */
  telling: boolean
  answering: boolean
  refill: Refill
  /** What may be given to its job while the log comes is looked for with every message. */
  hasAccess: boolean
  given: Set<string>
  final: { size: number; sha256: Buffer | null } | null
  checking: boolean
  /** A gap was answered; nothing more is said until the agent has gone back. */
  toldGap: boolean
  lostRace: boolean
}

export class LogStream {
  readonly #deps: LogStreamDeps
  /** Null: the controller itself, of work of its own. */
  readonly #agentId: string | null
  readonly #pipe: LogPipe
  readonly #logs = new Map<string, StreamLog>()
  readonly #opening = new Map<string, Promise<StreamLog | null>>()
  #closed = false

  constructor(deps: LogStreamDeps, agentId: string | null, pipe: LogPipe) {
    this.#deps = deps
    this.#agentId = agentId
    this.#pipe = pipe
    pipe.send({ takesPacked: true })
  }

  /** Resolves when the next message may be read. Messages must be given one after the other. */
  async onMessage(message: LogsRequest): Promise<void> {
    const ref = message.job
    if (!ref) throw invalidField('job', 'is missing')
    checkSize(message)
    let log = await this.#open(ref)
    if (log?.hasAccess && message.data.length > 0) {
      await this.#learn(log)
      log = await this.#open(ref)
    }
    while (isTurnUsedUp()) {
      await nextTurn()
      log = await this.#open(ref)
    }
    if (!log) return this.#pipe.send({ job: ref, stored: 0n, stale: true })
    if (log.complete) return this.#tellWhole(log)
    const began = performance.now()
    if (message.data.length > 0) this.#take(log, pieceOf(message, this.#deps.clock.now().getTime()))
    spent(began)
    if (message.finalSize !== undefined && !log.final) {
      const sha256 = message.finalSha256.length > 0 ? Buffer.from(message.finalSha256) : null
      log.final = { size: Number(message.finalSize), sha256 }
      // All of it passed through here and is what was sent: it is complete with the commit of its last bytes.
      if (log.hash && log.accepted === log.final.size && isSum(log.hash, sha256)) log.closing = true
      this.#deps.writer.touch(log)
    }
    await this.#deps.writer.room()
  }

  /** What is given is kept before anybody has it, so nothing of it is in bytes that came before. */
  async #learn({ jobId, refill, given }: StreamLog): Promise<void> {
    refill.learn((await this.#deps.given?.(jobId, given)) ?? [])
  }

  onClose(): void {
    this.#closed = true
    this.#logs.clear()
  }

  #take(log: StreamLog, piece: LogPiece): void {
    if (log.closing) return
    const fresh = piece.offset > log.accepted ? null : cutOverlap(piece, log.accepted)
    if (!fresh) {
      const gap = piece.offset > log.accepted
      if (gap && log.toldGap) return
      log.toldGap = gap
      // Answered behind what is in flight, so that the agent does not send that again.
      this.#deps.writer.touch(log)
      return
    }
    log.toldGap = false
    const room = (this.#deps.hardLimit ?? defaultHardLimit) - log.accepted
    if (fresh.data.length > room) this.#refuseFurther(log, fresh, room)
    else this.#store(log, fresh)
  }

  #store(log: StreamLog, piece: LogPiece): void {
    log.hash?.update(piece.data)
    const { changed, before } = log.refill.apply(piece.data, piece.offset)
    if (changed) this.#deps.log.warn({ jobId: log.jobId }, 'an agent let a secret into a log; it was masked here')
    if (before) {
      log.overwrite.push(before)
      for (const waiting of log.pending) fillRange(waiting, before)
    }
    this.#deps.writer.add(log, changed ? { ...piece, packed: undefined, refilled: true } : piece)
  }

  #refuseFurther(log: StreamLog, piece: LogPiece, room: number): void {
    if (room > 0) this.#store(log, cutEnd(piece, room))
    // No room at all: the notice was stored by a stream before this one.
    if (room >= 0) this.#note(log, 'The log ends here: it has reached the largest size that is kept.')
    log.closing = true
    this.#deps.writer.touch(log)
  }

  /** A line of the controller's own, at the end. */
  #note(log: StreamLog, text: string): void {
    const data = Buffer.from(`\n[ansflow] ${text}\n`)
    const times = sameTime(countLineEnds(data), this.#deps.clock.now().getTime())
    this.#deps.writer.add(log, { offset: log.accepted, data, times, refilled: true })
  }

  #onStored(log: StreamLog): void {
    if (this.#closed) return
    if (log.complete) this.#tellWhole(log)
    else this.#answerSoon(log)
    if (log.complete || log.closing || log.checking || !log.final) return
    if (log.pending.length > 0 || log.size !== log.accepted || log.size < log.final.size) return
    log.checking = true
    this.#check(log, log.final)
      .catch((error: unknown) => {
        this.#deps.log.error({ err: error, jobId: log.jobId }, 'a log could not be checked')
        log.final = null
      })
      .finally(() => {
        log.checking = false
      })
  }

  /** First its run: the agent forgets it once it hears that it is complete. */
  #tellWhole(log: StreamLog): void {
    if (log.telling) return
    log.telling = true
    this.#deps
      .whole(log)
      .then(() => {
        this.#answer(log)
        // An agent's stream may last for months: whoever asks about this one again is answered from its rows.
        if (this.#logs.get(log.jobId) === log) this.#logs.delete(log.jobId)
      })
      .catch((error: unknown) => {
        this.#deps.log.warn({ err: error, jobId: log.jobId }, 'a run could not be told yet that a log is complete')
        this.#deps.clock.setTimer(tellAgainMs, () => {
          log.telling = false
          if (!this.#closed) this.#tellWhole(log)
        })
      })
  }

  async #check(log: StreamLog, final: { size: number; sha256: Buffer | null }): Promise<void> {
    const sound = log.size === final.size && (await this.#hashFits(log, final.sha256))
    if (!sound) {
      this.#deps.log.error({ jobId: log.jobId, size: log.size, final: final.size }, 'a log is not what its agent sent')
      this.#note(log, 'The stored log differs from what the agent says it sent.')
    }
    log.closing = true
    this.#deps.writer.touch(log)
  }

  async #hashFits(log: StreamLog, expected: Buffer | null): Promise<boolean> {
    if (!expected) return true
    if (log.hash) return isSum(log.hash, expected)
    const hash = createHash('sha256')
    for await (const row of readRows(this.#deps.db, log.jobId, 0, log.size)) {
      // The agent's sum covers the bytes before they were masked here.
      if (row.refilled) return true
      hash.update(row.data)
    }
    return hash.digest().equals(expected)
  }

  /** Behind those who follow the log, who were told just now. */
  #answerSoon(log: StreamLog): void {
    if (log.answering) return
    log.answering = true
    setImmediate(() => {
      log.answering = false
      // That it is complete is told when its run knows.
      if (this.#logs.get(log.jobId) === log && !log.lostRace && !log.complete) this.#answer(log)
    })
  }

  #answer(log: StreamLog): void {
    if (!this.#closed) this.#pipe.send({ job: log.ref, stored: BigInt(log.size), complete: log.complete })
  }

  /** Null: the agent does not hold this job at this epoch. */
  async #open(ref: JobRef): Promise<StreamLog | null> {
    const known = this.#logs.get(ref.jobId)
    if (known && !known.lostRace) return known.ref.epoch === ref.epoch ? known : null
    // A message and a lost race may want it at the same time; there must be one only.
    let opening = this.#opening.get(ref.jobId)
    if (!opening) {
      opening = this.#load(ref).finally(() => this.#opening.delete(ref.jobId))
      this.#opening.set(ref.jobId, opening)
    }
    const log = await opening
    return log?.ref.epoch === ref.epoch ? log : null
  }

  async #load(ref: JobRef): Promise<StreamLog | null> {
    const { db } = this.#deps
    const head = await jobLog(db, ref.jobId)
    if (!head || head.agentId !== this.#agentId || head.epoch !== ref.epoch) return null
    const last = head.size > 0 ? await lastChunk.first(db.kysely<LogTables>(), { jobId: ref.jobId }) : undefined
    const lastRow = last ? unpackRow(last) : null
    const whole = isWhole(head)
    const refill = new Refill(whole ? [] : await this.#deps.secretsOf(head))
    const given = new Set<string>()
    if (head.hasAccess && !whole) refill.learn((await this.#deps.given?.(head.jobId, given)) ?? [])
    if (lastRow) refill.resume(lastRow.data)
    const log: StreamLog = {
      jobId: ref.jobId,
      runId: head.runId,
      ref,
      telling: false,
      answering: false,
      size: head.size,
      accepted: head.size,
      taken: {
        size: head.size,
        lines: lastRow ? lastRow.firstLine + countOf(lastRow.times) : 0,
        tail: lastRow && lastRow.data.length < tailBytes ? lastRow : null,
        complete: whole,
      },
      pending: [],
      overwrite: [],
      closing: false,
      complete: whole,
      hash: head.size === 0 ? createHash('sha256') : null,
      refill,
      hasAccess: head.hasAccess && !whole,
      given,
      final: null,
      checking: false,
      toldGap: false,
      lostRace: false,
      onStored: () => this.#onStored(log),
      onLostRace: () => {
        log.lostRace = true
        // Says where the agent has to go on from.
        if (!this.#closed) void this.#answerAnew(log.ref)
      },
    }
    this.#logs.set(ref.jobId, log)
    return log
  }

  async #answerAnew(ref: JobRef): Promise<void> {
    try {
      const log = await this.#open(ref)
      if (log) this.#answer(log)
      else if (!this.#closed) this.#pipe.send({ job: ref, stored: 0n, stale: true })
    } catch (error) {
      this.#deps.log.error({ err: error, jobId: ref.jobId }, 'a log could not be opened again')
    }
  }
}

function checkSize({ data, unpackedSize, lineMs }: LogsRequest): void {
  const { dataBytes, unpackedBytes, packedTimes } = logMessage
  if (data.length > dataBytes) throw invalidField('data', 'has more than 64 KiB')
  if (unpackedSize > unpackedBytes) throw invalidField('unpacked_size', 'is more than 256 KiB')
  if (unpackedSize > 0 && lineMs.length > packedTimes) throw invalidField('line_ms', 'has more than 8,000')
}

function isSum(hash: Hash, expected: Buffer | null): boolean {
  return expected === null || hash.copy().digest().equals(expected)
}

const lastChunk = statement<LogTables, { jobId: string }>()((db, { jobId }) =>
  db.selectFrom('log_chunk').selectAll().where('job_id', '=', jobId).orderBy('byte_offset', 'desc').limit(1),
)
