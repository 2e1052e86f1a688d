// Owns getting masked logs to the controller: chunks in order, a bounded number on the way, on from what is stored.
import type { JobRef, LogsResponse } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { logMessage } from '@ansflow/proto/limits'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { LogsMessage, Pipe } from '../link/rpc-client.ts'
import { type Chunk, type ChunkPacker, createChunkPacker } from './chunk-packer.ts'
import type { LogSpool } from './log-spool.ts'

/** What the controller keeps in one row: it has nothing to cut then. Never more than a message may have, also when zstd cannot shrink it. */
const CHUNK_BYTES = 60_000
/** From so much on a chunk is packed. The controller adds smaller ones to one another, and whoever reads along waits for nothing. */
const PACK_FROM_BYTES = 16 * 1024
/** Bytes of one job on the way; more would only fill the connection's buffers. */
const WINDOW_BYTES = 4 * 1024 * 1024
/** The first bytes after silence go at once; what follows is gathered for this long. */
const COALESCE_MS = 5
/** Sent bytes that are not acknowledged for this long are sent again. */
const STALL_MS = 30_000
/** The final message again, when its answer does not come. */
const FINAL_MS = 10_000

/** A job as the shipper sees it. */
export interface ShippedJob {
  ref: JobRef
  spool: LogSpool | undefined
  /** One of no bytes is complete with the job's result, unless the controller has not said so when it answered that. */
  shipsEmptyLog: boolean
  logComplete(): void
  logStale(): void
}

interface Progress {
  job: ShippedJob
  sent: number
  lastSentAt: number
  lastStoredAt: number
  finalSentAt: number
  /** The stored offset from which was last sent again; the same answer once more says nothing new. */
  rewoundAt: number
  /** The chunk that is being packed; it is sent when it still goes on from what is. */
  packing: Promise<unknown> | undefined
  packer: ChunkPacker
}

export interface LogShipper {
  /** There is something new; also registers the job. */
  grew(job: ShippedJob): void
  forget(job: ShippedJob): void
  /** A new stream: everything that is not acknowledged goes over it. Undefined: there is none. */
  use(pipe: Pipe<LogsMessage> | undefined): void
  onMessage(message: LogsResponse): void
  /** True when what is on the way has not moved for too long: the stream is dead. */
  stalled(): boolean
}

export function createLogShipper(now: () => number = () => performance.now()): LogShipper {
  const all = new Map<string, Progress>()
  let pipe: Pipe<LogsMessage> | undefined
  let blocked = false
  /** The controller has said so on this stream. */
  let takesPacked = false
  let timer: NodeJS.Timeout | undefined

  const spoolOf = (progress: Progress) => progress.job.spool

  /** Milliseconds until this job may send, or undefined when it has nothing to send. */
  function due(progress: Progress): number | undefined {
    const spool = spoolOf(progress)
    if (!spool) return undefined
    const waiting = spool.size - progress.sent
    if (progress.packing) return undefined
    if (waiting > 0) {
      if (progress.sent - spool.acknowledged >= WINDOW_BYTES) return undefined
      if (waiting >= CHUNK_BYTES || spool.isWhole) return 0
      return Math.max(0, progress.lastSentAt + COALESCE_MS - now())
    }
    if (spool.size === 0 && !progress.job.shipsEmptyLog) return undefined
    if (spool.isWhole) return Math.max(0, progress.finalSentAt + FINAL_MS - now())
    return undefined
  }

  /** False when the transport is full. */
  function sendOne(progress: Progress): boolean {
    const spool = spoolOf(progress)!
    const { sent, packer } = progress
    progress.lastSentAt = now()
    if (!takesPacked || spool.size - sent < PACK_FROM_BYTES)
      return send(progress, { data: spool.readMasked(sent, CHUNK_BYTES) })
    const chunk = packer.pack(spool.readMasked(sent, packer.room.length, packer.room))
    progress.packing = chunk
    void chunk.then((packed) => {
      if (progress.packing !== chunk) return
      progress.packing = undefined
      if (pipe && all.get(progress.job.ref.jobId) === progress && !send(progress, packed)) awaitRoom(pipe)
      pump()
    })
    return true
  }

  function send(progress: Progress, { data, packed }: Chunk): boolean {
    const spool = spoolOf(progress)!
    const offset = progress.sent
    if (data.length > 0 && offset === spool.acknowledged) progress.lastStoredAt = now()
    progress.sent += data.length
    const isLast = spool.isWhole && progress.sent >= spool.size
    if (isLast) progress.finalSentAt = now()
    return pipe!.send({
      job: progress.job.ref,
      offset: BigInt(offset),
      data: packed ?? data,
      ...(packed && { unpackedSize: data.length }),
      ...(data.length > 0 ? timesOf(data, offset, spool, packed ? logMessage.packedTimes : data.length) : {}),
      // With the last bytes or right behind them; it counts once all before it is stored.
      ...(isLast ? { finalSize: BigInt(spool.size), finalSha256: spool.sha256() } : {}),
    })
  }

  function awaitRoom(full: Pipe<LogsMessage>): void {
    blocked = true
    void full.drained().then(() => {
      if (pipe !== full) return
      blocked = false
      pump()
    })
  }

  /** One chunk a job and round, so that a loud job does not hold up the others. */
  function pump(): void {
    clearTimeout(timer)
    timer = undefined
    let next = Number.POSITIVE_INFINITY
    for (let sentAny = true; sentAny && pipe && !blocked; ) {
      sentAny = false
      next = Number.POSITIVE_INFINITY
      for (const progress of all.values()) {
        const wait = due(progress)
        if (wait === undefined) continue
        if (wait > 0) next = Math.min(next, wait)
        else {
          sentAny = true
          if (sendOne(progress)) continue
          awaitRoom(pipe)
          break
        }
      }
    }
    if (pipe && !blocked && next < Number.POSITIVE_INFINITY) timer = setTimeout(pump, next)
  }

  function rewind(progress: Progress): void {
    progress.sent = spoolOf(progress)?.acknowledged ?? 0
    progress.packing = undefined
    progress.finalSentAt = Number.NEGATIVE_INFINITY
    progress.lastStoredAt = now()
  }

  return {
    grew(job) {
      if (all.get(job.ref.jobId)?.job !== job && job.spool) {
        const idle = Number.NEGATIVE_INFINITY
        all.set(job.ref.jobId, {
          job,
          sent: job.spool.acknowledged,
          lastSentAt: idle,
          lastStoredAt: now(),
          finalSentAt: idle,
          rewoundAt: -1,
          packing: undefined,
          packer: createChunkPacker(CHUNK_BYTES),
        })
      }
      if (!blocked) pump()
    },
    forget(job) {
      if (all.get(job.ref.jobId)?.job === job) all.delete(job.ref.jobId)
    },
    use(next) {
      pipe = next
      blocked = false
      takesPacked = false
      for (const progress of all.values()) rewind(progress)
      pump()
    },
    onMessage(message) {
      takesPacked ||= message.takesPacked
      const progress = message.job && all.get(message.job.jobId)
      if (!progress || message.job!.epoch !== progress.job.ref.epoch) return
      const spool = spoolOf(progress)
      if (message.stale) {
        all.delete(progress.job.ref.jobId)
        progress.job.logStale()
        return
      }
      if (!spool) return
      const stored = Number(message.stored)
      if (stored > spool.acknowledged) {
        spool.acknowledge(stored)
        spool.times.forget(stored)
        progress.lastStoredAt = now()
        if (stored > progress.sent) {
          progress.sent = stored
          progress.packing = undefined
        }
      } else if (!message.complete && progress.sent > stored && progress.rewoundAt !== stored) {
        // An answer without progress refuses what was sent: it did not fit to what is stored.
        progress.rewoundAt = stored
        rewind(progress)
      }
      if (message.complete) {
        all.delete(progress.job.ref.jobId)
        progress.job.logComplete()
      }
      pump()
    },
    stalled() {
      for (const progress of all.values()) {
        const spool = spoolOf(progress)
        if (pipe && spool && progress.sent > spool.acknowledged && now() - progress.lastStoredAt > STALL_MS) return true
      }
      return false
    },
  }
}

/** When the lines that end in `data` were seen. The last time that is told stands for all that follow. */
function timesOf(
  data: Buffer,
  offset: number,
  { times }: LogSpool,
  most: number,
): Pick<LogsMessage, 'lineMs' | 'baseAt'> {
  const base = times.at(offset + 1)
  const last = times.at(offset + data.length)
  const lineMs: number[] = []
  // Mostly all of a chunk was seen at once, and the end of a loud one together.
  let at = base
  for (
    let newline = data.indexOf(10);
    newline >= 0 && at !== last && lineMs.length < most;
    newline = data.indexOf(10, newline + 1)
  ) {
    at = times.at(offset + newline + 1)
    lineMs.push(Math.max(0, at - base))
  }
  return { lineMs, baseAt: timestampFromMs(base) }
}
