// The one writer of log rows: what arrives while a commit is in flight joins the next, over all jobs of this controller.
import type { Hash } from 'node:crypto'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import { insertion } from '../../platform/statement.ts'
import { isTurnUsedUp, nextTurn, spent } from '../../platform/turns.ts'
import { moveJobLog } from '../runs/index.ts'
import { isRow, type LogPiece, type RawRow, tailBytes, toRows } from './chunk.ts'
import { countOf, noTimes } from './line-times.ts'
import { type LogChunkRow, type LogKysely, type LogTables, packRow, unpackData } from './log-tables.ts'
import type { RecentBytes } from './recent-bytes.ts'
import { fill, fillRange } from './refill.ts'

/** A log one stream writes. `size` is committed; `accepted` includes what waits for its commit. */
export interface OpenLog {
  readonly jobId: string
  size: number
  accepted: number
  /** What is left behind by the last batch, which need not be committed yet. */
  taken: {
    size: number
    /** Line ends in it. */
    lines: number
    /** The last row while it is small: it is written again together with what follows. */
    tail: RawRow | null
    complete: boolean
  }
  pending: LogPiece[]
  /** Stored bytes to overwrite with the next commit. */
  overwrite: { offset: number; length: number }[]
  /** Mark it complete once nothing is pending. */
  closing: boolean
  complete: boolean
  /** Of all accepted bytes as they came; null when this stream has not seen the log from its start. */
  hash: Hash | null
  /** After a commit, also one without new bytes. */
  onStored(): void
  /** Somebody else wrote to this log: forget what is pending and read its head again. */
  onLostRace(): void
}

export interface LogWriter {
  add(log: OpenLog, piece: LogPiece): void
  /** Completes it, or only answers with onStored when everything has been committed before. */
  touch(log: OpenLog): void
  /** Resolves when less than the bound waits for its commit: what a stream awaits before it reads on. */
  room(): Promise<void>
  stop(): Promise<void>
}

interface Deps {
  db: Db
  bus: Bus
  recent: RecentBytes
  clock: Clock
  log: Logger
}

/** Bytes that may wait for commits before streams stop reading. */
const pendingBound = 8 * 1024 * 1024
/** In one commit, over all jobs. */
const commitBound = 2 * 1024 * 1024
/** One job may have at least so much of it, so that a flood shares commits with the others. */
const shareOfCommit = 512 * 1024
/** So much is made ready while the commit before it is on its way; what is less gathers until that has ended. */
const worthAhead = 512 * 1024
/** A line's time that is another than that of the line before it is as much work as so many bytes. */
const timeWeight = 24
const retryMs = [100, 250, 500, 1000, 2000]

interface Prepared {
  log: OpenLog
  pieces: LogPiece[]
  packed: LogChunkRow[]
  replaced: RawRow | null
  overwrite: OpenLog['overwrite']
  /** Committed before it. */
  from: number
  size: number
  complete: boolean
}

export function createLogWriter({ db, bus, recent, clock, log: logger }: Deps): LogWriter {
  const dirty = new Set<OpenLog>()
  /** Of these logs a batch was not stored: nothing that was made ready behind it fits any more. */
  const lost = new WeakSet<OpenLog>()
  /** Accepted and not committed; and what of that is in no batch yet. */
  let pendingBytes = 0
  let gatheredBytes = 0
  let waiting: (() => void)[] = []
  let hasGathered: () => void = () => undefined
  /** The commit on its way: one at a time, in the order of the batches. */
  let committing: Promise<void> = Promise.resolve()
  let running = false
  let ended: Promise<void> = Promise.resolve()
  let stopped = false

  function wake(log: OpenLog): void {
    dirty.add(log)
    if (running || stopped) return
    running = true
    ended = run()
  }

  async function run(): Promise<void> {
    // Everything that one turn of the event loop brings shares the first commit.
    await null
    let isOn = true
    for (;;) {
      if (gatheredBytes < worthAhead) await Promise.race([committing, gathered()])
      if (dirty.size === 0) await committing
      if (!isOn || dirty.size === 0) break
      const prepared = await prepareBatch()
      await committing
      if (!isOn) break
      committing = store(prepared).then((stored) => {
        isOn = stored
      })
    }
    // In the same turn as the last look at `dirty`, or a log that comes now would wait for the next one.
    running = false
  }

  function gathered(): Promise<void> {
    return new Promise((resolve) => {
      hasGathered = resolve
    })
  }

  async function prepareBatch(): Promise<Prepared[]> {
    const preparing: Promise<Prepared>[] = []
    for (const part of takeBatch()) {
      while (isTurnUsedUp()) await nextTurn()
      const began = performance.now()
      preparing.push(prepare(part))
      spent(began)
    }
    return await Promise.all(preparing)
  }

  /** False: it was stopped before. */
  async function store(prepared: Prepared[]): Promise<boolean> {
    const stored = await commit(prepared)
    if (!stored) return false
    for (const part of prepared) settle(part, stored.has(part.log))
    if (pendingBytes < pendingBound) {
      for (const resolve of waiting) resolve()
      waiting = []
    }
    return true
  }

  function takeBatch(): { log: OpenLog; pieces: LogPiece[] }[] {
    const batch: { log: OpenLog; pieces: LogPiece[] }[] = []
    const most = Math.max(shareOfCommit, commitBound / dirty.size)
    const rest: OpenLog[] = []
    let weight = 0
    for (const log of dirty) {
      if (weight >= commitBound) break
      dirty.delete(log)
      let share = 0
      let count = 0
      while (count < log.pending.length && share < most) {
        const piece = log.pending[count++]!
        share += weightOf(piece)
        gatheredBytes -= piece.data.length
      }
      weight += share
      batch.push({ log, pieces: log.pending.splice(0, count) })
      if (log.pending.length > 0) rest.push(log)
    }
    // Behind those that have waited longer.
    for (const log of rest) dirty.add(log)
    return batch
  }

  async function prepare({ log, pieces }: { log: OpenLog; pieces: LogPiece[] }): Promise<Prepared> {
    const { size: from, lines, tail } = log.taken
    const size = pieces.reduce((sum, piece) => sum + piece.data.length, from)
    // What came packed is a row of its own, whatever is before it.
    const replaced = pieces[0] && !isRow(pieces[0]) ? tail : null
    const rows = toRows(replaced ? [replaced, ...pieces] : pieces, replaced?.firstLine ?? lines)
    // Before anything is waited for: what is to be overwritten from now on may lie in these rows, and is once they are stored.
    const overwrite = log.overwrite.splice(0)
    // A value that ends in new bytes may begin in the row that is written again.
    for (const range of overwrite) {
      const first = rows[0]
      if (!first || !replaced) break
      // The batch before may still be reading the same bytes.
      first.data = Buffer.from(first.data)
      if (fillRange(first, range)) first.refilled = true
    }
    const complete = log.closing && !log.taken.complete && log.pending.length === 0
    const last = rows.at(-1)
    log.taken = {
      size,
      lines: last ? last.firstLine + countOf(last.times) : lines,
      tail: last ? (last.data.length < tailBytes ? last : null) : tail,
      complete: log.taken.complete || complete,
    }
    const packed = await Promise.all(rows.map((row) => packRow(log.jobId, row)))
    return { log, pieces, packed, replaced, overwrite, from, size, complete }
  }

  /** The logs whose part was stored; undefined when stopped. What the database refuses for now is tried until it is taken. */
  async function commit(parts: Prepared[]): Promise<Set<OpenLog> | undefined> {
    // A log that only wants to hear what is stored already needs no transaction.
    if (parts.every(isIdle)) return new Set(parts.map(({ log }) => log).filter((log) => !lost.has(log)))
    for (let attempt = 0; !stopped; attempt++) {
      try {
        return await db.transaction(async (em) => {
          const tables = db.kysely<LogTables>(em)
          const stored = new Set<OpenLog>()
          const rows: LogChunkRow[] = []
          for (const part of parts) {
            if (lost.has(part.log)) continue
            if (!isIdle(part) && !(await moveJobLog(em, part.log.jobId, part.from, part))) continue
            stored.add(part.log)
            if (part.replaced) await removeRow(tables, part.log.jobId, part.replaced.offset)
            for (const range of part.overwrite) await overwriteRows(tables, part.log.jobId, range)
            rows.push(...part.packed)
          }
          await insertChunks(tables, rows)
          return stored
        })
      } catch (error) {
        logger.error({ err: error, attempt }, 'log bytes cannot be stored; agents keep them until they are')
        const ms = retryMs[Math.min(attempt, retryMs.length - 1)] ?? 2000
        await new Promise<void>((resolve) => clock.setTimer(ms, resolve))
      }
    }
    return undefined
  }

  function settle(part: Prepared, stored: boolean): void {
    const { log } = part
    pendingBytes -= part.size - part.from
    if (!stored) {
      for (const piece of log.pending.splice(0)) {
        pendingBytes -= piece.data.length
        gatheredBytes -= piece.data.length
      }
      dirty.delete(log)
      if (!lost.has(log)) log.onLostRace()
      lost.add(log)
      return
    }
    const grew = part.size > log.size
    log.size = part.size
    log.complete ||= part.complete
    if (part.overwrite.length > 0 || log.complete) recent.forget(log.jobId)
    else if (grew)
      recent.add(
        log.jobId,
        part.from,
        part.pieces.map(({ data }) => data),
      )
    if (grew || part.complete) bus.publish('log.grew', { jobId: log.jobId, size: log.size, complete: log.complete })
    log.onStored()
  }

  return {
    add(log, piece) {
      log.pending.push(piece)
      log.accepted += piece.data.length
      pendingBytes += piece.data.length
      gatheredBytes += piece.data.length
      if (gatheredBytes >= worthAhead) hasGathered()
      wake(log)
    },
    touch: wake,
    room: () => (pendingBytes < pendingBound ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    async stop() {
      // What is accepted is committed if the database takes it now; the agent keeps the rest.
      await Promise.race([ended, new Promise<void>((resolve) => clock.setTimer(2000, resolve))])
      stopped = true
      for (const resolve of waiting) resolve()
      waiting = []
    },
  }
}

function weightOf({ data, times }: LogPiece): number {
  return data.length + times.lines.length * timeWeight
}

const insertChunks = insertion<LogTables, 'log_chunk'>('log_chunk')

function isIdle({ packed, overwrite, complete }: Prepared): boolean {
  return packed.length === 0 && overwrite.length === 0 && !complete
}

async function removeRow(db: LogKysely, jobId: string, offset: number): Promise<void> {
  await db.deleteFrom('log_chunk').where('job_id', '=', jobId).where('byte_offset', '=', offset).execute()
}

/** Masks bytes that were stored before the rest of the secret came. */
async function overwriteRows(
  db: LogKysely,
  jobId: string,
  { offset, length }: { offset: number; length: number },
): Promise<void> {
  const rows = await db
    .selectFrom('log_chunk')
    .selectAll()
    .where('job_id', '=', jobId)
    .where('byte_offset', '<', offset + length)
    .orderBy('byte_offset', 'desc')
    // A value is at most a few KiB; the rows before its end that it can touch are few.
    .limit(16)
    .execute()
  for (const row of rows) {
    const start = Number(row.byte_offset)
    if (start + row.size <= offset) continue
    const data = unpackData(row)
    fill(data, Math.max(0, offset - start), Math.min(row.size, offset + length - start))
    const packed = await packRow(jobId, {
      offset: start,
      data,
      times: noTimes,
      refilled: true,
      firstLine: row.first_line,
    })
    await db
      .updateTable('log_chunk')
      .set({ data: packed.data, refilled: 1 })
      .where('job_id', '=', jobId)
      .where('byte_offset', '=', start)
      .execute()
  }
}
