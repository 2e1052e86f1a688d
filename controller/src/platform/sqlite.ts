// SQLite through the built-in node:sqlite: one connection, one process a file; what is answered is on the disk.
import { AsyncLocalStorage } from 'node:async_hooks'
import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type QueryResult,
  SqliteAdapter,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
  type SqliteStatement,
} from 'kysely'
import { flushFile, type WalSync, walSync } from './wal-sync.ts'

/** Set while a transaction's body runs, to find out about queries that would wait for their own transaction for ever. */
export const insideTransaction = new AsyncLocalStorage<{ open: boolean }>()

const statementCacheSize = 300

export function nodeSqliteDialect(file: string): Dialect {
  const config = { database: async () => openDatabase(file) }
  const dialect = new SqliteDialect(config)
  return {
    createDriver: () => new OneConnectionDriver(config, file),
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
  #descriptor: number | undefined
  #last: Promise<void> = Promise.resolve()

  constructor(config: SqliteDialectConfig, file: string) {
    super(config)
    if (file === ':memory:') return
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
    const before = this.#last
    let release: () => void = () => undefined
    this.#last = new Promise((resolve) => {
      release = resolve
    })
    await before
    return new Turn(await super.acquireConnection(), release)
  }

  /** The next in line goes on while the disk still works on this one's rows; the answer waits for the disk. */
  override async commitTransaction(turn: Turn): Promise<void> {
    await super.commitTransaction(turn)
    turn.end()
    if (turn.wrote) await this.#wal?.flushed()
  }

  override async rollbackTransaction(turn: Turn): Promise<void> {
    // A commit whose flush failed: the connection is another's by now.
    if (!turn.ended) await super.rollbackTransaction(turn)
  }

  override async releaseConnection(turn?: DatabaseConnection): Promise<void> {
    if (!(turn instanceof Turn) || turn.ended) return
    turn.end()
    if (turn.wrote) await this.#wal?.flushed()
  }

  override async destroy(): Promise<void> {
    await super.destroy()
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
  }
}

/** One holder's time with the connection. */
class Turn implements DatabaseConnection {
  ended = false
  wrote = false
  readonly #connection: DatabaseConnection
  readonly #release: () => void

  constructor(connection: DatabaseConnection, release: () => void) {
    this.#connection = connection
    this.#release = release
  }

  executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    this.wrote ||= !leavesRowsAlone.test(query.sql)
    return this.#connection.executeQuery(query)
  }

  streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    return this.#connection.streamQuery(query, chunkSize)
  }

  end(): void {
    this.ended = true
    this.#release()
  }
}

const leavesRowsAlone = /^\s*(select|begin|commit|rollback|savepoint|release|pragma)\b/i

function openDatabase(file: string) {
  const db = new DatabaseSync(file)
  // NORMAL leaves flushing the log after a commit to the driver, which answers no commit before: see WalSync.
  for (const pragma of ['busy_timeout = 5000', 'journal_mode = wal', 'synchronous = normal', 'foreign_keys = on']) {
    db.exec(`pragma ${pragma}`)
  }
  const cache = new Map<string, SqliteStatement>()
  return {
    prepare(sql: string): SqliteStatement {
      const known = cache.get(sql)
      if (known) return known
      const statement = bridge(db.prepare(sql))
      // Statements with the values spliced in (the ORM's) never come twice.
      if (sql.includes('?') && cache.size < statementCacheSize) cache.set(sql, statement)
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
