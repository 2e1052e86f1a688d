// SQLite through the built-in node:sqlite: one durable connection, one process a file.
import { AsyncLocalStorage } from 'node:async_hooks'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import {
  type DatabaseConnection,
  type Dialect,
  SqliteAdapter,
  SqliteDialect,
  SqliteDriver,
  type SqliteStatement,
} from 'kysely'

/** Set while a transaction's body runs, to find out about queries that would wait for their own transaction for ever. */
export const insideTransaction = new AsyncLocalStorage<{ open: boolean }>()

const statementCacheSize = 300

export function nodeSqliteDialect(file: string): Dialect {
  const config = { database: async () => openDatabase(file) }
  const dialect = new SqliteDialect(config)
  return {
    createDriver: () => new OneConnectionDriver(config),
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
  #last: Promise<void> = Promise.resolve()
  #release: (() => void) | undefined

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
    this.#release = release
    return super.acquireConnection()
  }

  override async releaseConnection(): Promise<void> {
    const release = this.#release
    this.#release = undefined
    release?.()
  }
}

function openDatabase(file: string) {
  const db = new DatabaseSync(file)
  // FULL: a commit is on the disk when it is answered, also after the power goes.
  for (const pragma of ['busy_timeout = 5000', 'journal_mode = wal', 'synchronous = full', 'foreign_keys = on']) {
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
