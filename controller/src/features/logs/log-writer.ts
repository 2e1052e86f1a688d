// The one writer of log rows: what arrives while a commit is in flight joins the next, over all jobs of this controller.
import type { Hash } from 'node:crypto'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import { insertion } from '../../platform/statement.ts'
import { isTurnUsedUp, nextTurn, spent } from '../../platform/turns.ts'
import { moveJobLog } from '../runs/index.ts'
import { type LogPiece, type RawRow, tailBytes, toRows } from './chunk.ts'
import { type LogChunkRow, type LogKysely, type LogTables, packRow, unpackData } from './log-tables.ts'
import { fill } from './refill.ts'

/** A log one stream writes. `size` is committed; `accepted` includes what waits for its commit. */
export interface OpenLog {
  readonly jobId: string
  size: number
  accepted: number
  /** Line ends in the committed bytes. */
  lines: number
  /** The last row while it is small: it is written again together with what follows. */
  tail: RawRow | null
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
  clock: Clock
  log: Logger
}

/** Bytes that may wait for commits before streams stop reading. */
const pendingBound = 8 * 1024 * 1024
/** Bytes of one job in one commit, so that a flood shares commits with the others. */
const shareOfCommit = 512 * 1024
/** A line end is as much work as so many bytes. */
const lineWeight = 24
const commitBound = 4 * 1024 * 1024
const retryMs = [100, 250, 500, 1000, 2000]

interface Prepared {
  log: OpenLog
  rows: RawRow[]
  packed: LogChunkRow[]
  replaced: RawRow | null
  overwrite: OpenLog['overwrite']
  size: number
  complete: boolean
}

export function createLogWriter({ db, bus, clock, log: logger }: Deps): LogWriter {
  const dirty = new Set<OpenLog>()
  let pendingBytes = 0
  let waiting: (() => void)[] = []
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
    while (dirty.size > 0) {
      const batch = takeBatch()
      const preparing: Promise<Prepared>[] = []
      for (const part of batch) {
        while (isTurnUsedUp()) await nextTurn()
        const began = performance.now()
        preparing.push(prepare(part))
        spent(began)
      }
      const prepared = await Promise.all(preparing)
      const stored = await commit(prepared)
      if (!stored) break
      for (const part of prepared) settle(part, stored.has(part.log))
      if (pendingBytes < pendingBound) {
        for (const resolve of waiting) resolve()
        waiting = []
      }
    }
    // In the same turn as the last look at `dirty`, or a log that comes now would wait for the next one.
    running = false
  }

  function takeBatch(): { log: OpenLog; pieces: LogPiece[] }[] {
    const batch: { log: OpenLog; pieces: LogPiece[] }[] = []
    let weight = 0
    for (const log of dirty) {
      if (weight >= commitBound) break
      dirty.delete(log)
      let share = 0
      let count = 0
      while (count < log.pending.length && share < shareOfCommit) share += weightOf(log.pending[count++])
      weight += share
      batch.push({ log, pieces: log.pending.splice(0, count) })
    }
    return batch
  }

  async function prepare({ log, pieces }: { log: OpenLog; pieces: LogPiece[] }): Promise<Prepared> {
    const added = pieces.reduce((sum, piece) => sum + piece.data.length, 0)
    const replaced = added > 0 ? log.tail : null
    const rows = toRows(replaced ? [replaced, ...pieces] : pieces, replaced?.firstLine ?? log.lines)
    // Those that come while this is being packed are of rows that only the next commit finds.
    const overwrite = log.overwrite.splice(0)
    // A value that ends in new bytes may begin in the row that is written again.
    for (const { offset, length } of overwrite) {
      const first = rows[0]
      if (!first || !replaced || offset + length <= first.offset) continue
      fill(first.data, Math.max(0, offset - first.offset), Math.min(first.data.length, offset + length - first.offset))
      first.refilled = true
    }
    const packed = await Promise.all(rows.map((row) => packRow(log.jobId, row)))
    return {
      log,
      rows,
      packed,
      replaced,
      overwrite,
      size: log.size + added,
      complete: log.closing && log.pending.length === 0,
    }
  }

  /** The logs whose part was stored; undefined when stopped. What the database refuses for now is tried until it is taken. */
  async function commit(parts: Prepared[]): Promise<Set<OpenLog> | undefined> {
    // A log that only wants to hear what is stored already needs no transaction.
    if (parts.every(isIdle)) return new Set(parts.map(({ log }) => log))
    for (let attempt = 0; !stopped; attempt++) {
      try {
        return await db.transaction(async (em) => {
          const tables = db.kysely<LogTables>(em)
          const stored = new Set<OpenLog>()
          const rows: LogChunkRow[] = []
          for (const part of parts) {
            if (!isIdle(part) && !(await moveJobLog(em, part.log.jobId, part.log.size, part))) continue
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
    pendingBytes -= part.size - log.size
    if (!stored) {
      for (const piece of log.pending.splice(0)) pendingBytes -= piece.data.length
      dirty.delete(log)
      log.onLostRace()
      return
    }
    const grew = part.size > log.size
    log.size = part.size
    log.complete = part.complete
    const last = part.rows.at(-1)
    if (last) {
      log.lines = last.firstLine + last.endedMs.length
      log.tail = last.data.length < tailBytes ? last : null
    }
    if (log.pending.length > 0) dirty.add(log)
    if (grew || part.complete) bus.publish('log.grew', { jobId: log.jobId, size: log.size, complete: log.complete })
    log.onStored()
  }

  return {
    add(log, piece) {
      log.pending.push(piece)
      log.accepted += piece.data.length
      pendingBytes += piece.data.length
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

function weightOf(piece: LogPiece | undefined): number {
  return piece ? piece.data.length + piece.endedMs.length * lineWeight : 0
}

const insertChunks = insertion<LogTables, 'log_chunk'>('log_chunk')

function isIdle({ rows, overwrite, complete }: Prepared): boolean {
  return rows.length === 0 && overwrite.length === 0 && !complete
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
    const packed = await packRow(jobId, { offset: start, data, endedMs: [], refilled: true, firstLine: row.first_line })
    await db
      .updateTable('log_chunk')
      .set({ data: packed.data, refilled: 1 })
      .where('job_id', '=', jobId)
      .where('byte_offset', '=', start)
      .execute()
  }
}
