// SQLite through the built-in node:sqlite: one connection that writes, one that reads beside it, one process a file; what is
// answered is on the disk.
import { AsyncLocalStorage } from 'node:async_hooks'
import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type QueryResult,
  SqliteAdapter,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
  type SqliteStatement,
} from 'kysely'
import { leavesRowsAlone, reads, type StatementTap } from './statement-tap.ts'
import { OutcomeUnknown } from './store-error.ts'
import { nextTurn } from './turns.ts'
import { type WalCheckpoint, walCheckpoint } from './wal-checkpoint.ts'
import { flushFile, type WalSync, walSync } from './wal-sync.ts'

/** Set while a transaction's body runs, to find out about queries that would wait for their own transaction for ever. */
export const insideTransaction = new AsyncLocalStorage<{ open: boolean }>()

const statementCacheSize = 300
const isOfTransaction = /^(begin|commit|rollback)$/

export function nodeSqliteDialect(file: string, tap?: StatementTap): Dialect {
  const config = { database: async () => openDatabase(file) }
  const dialect = new SqliteDialect(config)
  return {
    createDriver: () => new OneConnectionDriver(config, file, tap),
    createAdapter: () => new QueuedAdapter(),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createIntrospector: (db) => dialect.createIntrospector(db),
  }
}

/** The driver below queues by itself, because it must see who asks. */
class QueuedAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true
  }
}

class OneConnectionDriver extends SqliteDriver {
  readonly #wal: WalSync | undefined
  readonly #checkpoint: WalCheckpoint | undefined
  #copiesAlone = true
  #descriptor: number | undefined
  #last: Promise<void> = Promise.resolve()
  readonly #tap: StatementTap | undefined
  /** Nobody who only reads waits for somebody's transaction. */
  readonly #readers: SqliteDriver | undefined

  constructor(config: SqliteDialectConfig, file: string, tap: StatementTap | undefined) {
    super(config)
    this.#tap = tap
    if (file === ':memory:') return
    this.#readers = new SqliteDriver({ database: async () => openDatabase(file, { readOnly: true }) })
    this.#checkpoint = walCheckpoint(file)
    this.#wal = walSync(() => {
      // Never closed before the database is, which keeps the log's file as long.
      this.#descriptor ??= openSync(`${file}-wal`, 'r+')
      return flushFile(this.#descriptor)
    })
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    if (insideTransaction.getStore()?.open) {
      throw new Error(
        'A query outside the transaction was made while its body runs: use the entity manager it was given.',
      )
    }
    return new Turn(
      await super.acquireConnection(),
      await this.#readers?.acquireConnection(),
      () => this.#next(),
      this.#tap,
    )
  }

  /** Resolves when nobody else has the connection; the answer gives it back. */
  async #next(): Promise<() => void> {
    const before = this.#last
    let release: () => void = () => undefined
    this.#last = new Promise((resolve) => {
      release = resolve
    })
    await before
    return release
  }

  override async init(): Promise<void> {
    await super.init()
    await this.#readers?.init()
  }

  override async beginTransaction(turn: Turn): Promise<void> {
    await turn.begin()
    try {
      await super.beginTransaction(turn)
    } catch (error) {
      // Nobody gives back a turn whose transaction was never begun.
      turn.end()
      throw error
    }
  }

  /** The next in line goes on while the disk still works on this one's rows; the answer waits for the disk. */
  override async commitTransaction(turn: Turn): Promise<void> {
    const isLarge = this.#checkpoint !== undefined && turn.spentMs > largeMs
    try {
      await this.#letCopy(turn, !isLarge && !this.#checkpoint?.isRunning)
      await super.commitTransaction(turn)
    } catch (error) {
      await this.rollbackTransaction(turn)
      throw error
    }
    if (isLarge) this.#checkpoint?.begin()
    turn.end()
    if (turn.wrote) await this.#flushed()
  }

  /** Whether SQLite copies a log of many pages into the file within a commit. */
  async #letCopy(turn: Turn, itself: boolean): Promise<void> {
    if (itself === this.#copiesAlone) return
    await turn.executeQuery(CompiledQuery.raw(`pragma wal_autocheckpoint = ${itself ? pagesOfLog : 0}`))
    this.#copiesAlone = itself
  }

  /** After some failures (a full disk) SQLite has taken the transaction back by itself: that there is none is no fault then. */
  override async rollbackTransaction(turn: Turn): Promise<void> {
    if (turn.ended) return
    await turn.takeBack()
    turn.end()
  }

  override async releaseConnection(turn?: DatabaseConnection): Promise<void> {
    if (!(turn instanceof Turn) || turn.ended) return
    turn.end()
    if (turn.wrote) await this.#flushed()
  }

  /** Others can read the rows already; whether they outlive a power cut is not known when this fails. */
  async #flushed(): Promise<void> {
    await this.#wal?.flushed().catch((error: unknown) => {
      throw new OutcomeUnknown(error)
    })
  }

  override async destroy(): Promise<void> {
    await this.#checkpoint?.settled()
    await this.#readers?.destroy()
    await super.destroy()
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
  }
}

/** SQLite's own measure. */
const pagesOfLog = 1000
/** A transaction whose statements took this long has filled much of the log. */
const largeMs = 50
/** Of the event loop, that one holder's statements may take together before others have a turn. */
const sliceMs = 10

/** One holder's time with the connection: it begins with the first statement that is more than a reading. */
class Turn implements DatabaseConnection {
  ended = false
  wrote = false
  /** Of its statements. */
  spentMs = 0
  readonly #connection: DatabaseConnection
  readonly #reader: DatabaseConnection | undefined
  readonly #next: () => Promise<() => void>
  readonly #tap: StatementTap | undefined
  #release: (() => void) | undefined
  #usedMs = 0

  constructor(
    connection: DatabaseConnection,
    reader: DatabaseConnection | undefined,
    next: () => Promise<() => void>,
    tap: StatementTap | undefined,
  ) {
    this.#connection = connection
    this.#reader = reader
    this.#next = next
    this.#tap = tap
  }

  async begin(): Promise<void> {
    this.#release ??= await this.#next()
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    // Behind its end the connection is in somebody else's transaction.
    if (this.ended) throw new Error('A query was made after its transaction had ended.')
    const { sql } = query
    this.wrote ||= !leavesRowsAlone.test(sql)
    const reader = this.#release === undefined && reads.test(sql) ? this.#reader : undefined
    if (!reader) await this.begin()
    if (this.#usedMs > sliceMs) {
      await nextTurn()
      this.#usedMs = 0
    }
    const run = () => {
      const began = performance.now()
      // Done when it answers: only the answer is a promise.
      const result = (reader ?? this.#connection).executeQuery<R>(query)
      const tookMs = performance.now() - began
      this.#usedMs += tookMs
      this.spentMs += tookMs
      return result
    }
    return this.#tap ? this.#tap(sql, run, () => undefined) : run()
  }

  async takeBack(): Promise<void> {
    await this.#connection.executeQuery(CompiledQuery.raw('rollback')).catch(() => undefined)
  }

  streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    return this.#connection.streamQuery(query, chunkSize)
  }

  end(): void {
    this.ended = true
    this.#release?.()
  }
}

function openDatabase(file: string, { readOnly = false } = {}) {
  const db = new DatabaseSync(file, { readOnly })
  // NORMAL leaves flushing the log after a commit to the driver, which answers no commit before: see WalSync.
  const writing = ['journal_mode = wal', 'synchronous = normal', 'foreign_keys = on']
  for (const pragma of ['busy_timeout = 5000', ...(readOnly ? [] : writing)]) db.exec(`pragma ${pragma}`)
  const cache = new Map<string, SqliteStatement>()
  return {
    prepare(sql: string): SqliteStatement {
      const known = cache.get(sql)
      if (known) return known
      const statement = bridge(db.prepare(sql))
      // Statements with the values spliced in (the ORM's) never come twice.
      if ((sql.includes('?') || isOfTransaction.test(sql)) && cache.size < statementCacheSize) cache.set(sql, statement)
      return statement
    },
    close: () => db.close(),
  }
}

function bridge(statement: StatementSync): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...parameters.map(toSqlite)),
    run: (parameters) => statement.run(...parameters.map(toSqlite)),
    iterate: (parameters) => statement.iterate(...parameters.map(toSqlite)) as IterableIterator<unknown>,
  }
}

function toSqlite(value: unknown): SQLInputValue {
  if (value === undefined) return null
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value instanceof Date) return value.getTime()
  return value as SQLInputValue
}

/**
 * Takes the data file for this process until it ends, however it ends: an open exclusive transaction on a file beside it.
 * Undefined: another process has it.
 */
export function takeFile(file: string): { release(): void } | undefined {
  const lock = new DatabaseSync(`${file}.lock`)
  try {
    lock.exec('pragma journal_mode = memory')
    lock.exec('begin exclusive')
  } catch {
    lock.close()
    return undefined
  }
  return { release: () => lock.close() }
}
