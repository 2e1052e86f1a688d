// MySQL and MariaDB through mysql2. Every wait has an end: for a connection, for a statement, for another's lock. A connection
// whose state nobody knows (timed out, cut, a transaction left open) is closed and never used again.
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  MysqlAdapter,
  MysqlDialect,
  type QueryResult,
  type TransactionSettings,
} from 'kysely'
import { createConnection, createPool, type Pool, type PoolConnection, type PoolOptions } from 'mysql2'
import { leavesRowsAlone, type StatementTap } from './statement-tap.ts'
import { OutcomeUnknown } from './store-error.ts'

const waits = {
  connectMs: 5000,
  acquireMs: 5000,
  statementMs: 10_000,
  /** Less than a statement may take, so that who waits for a lock hears of it from the server and can try again. */
  lockSeconds: 5,
}
const connections = 10

export interface MySql {
  dialect: Dialect
  /** While migrations run, a statement may take as long as it takes. */
  withoutLimit<T>(work: () => Promise<T>): Promise<T>
}

export function mySql(url: string, tap: StatementTap | undefined, statementMs = waits.statementMs): MySql {
  const state: State = { limited: true, statementMs, tap }
  const options = optionsOf(url)
  const dialect = new MysqlDialect({ pool: async () => createPool(options) })
  return {
    dialect: {
      createDriver: () => new BoundedDriver(options, state),
      createAdapter: () => new MysqlAdapter(),
      createQueryCompiler: () => dialect.createQueryCompiler(),
      createIntrospector: (db) => dialect.createIntrospector(db),
    },
    async withoutLimit(work) {
      state.limited = false
      try {
        return await work()
      } finally {
        state.limited = true
      }
    },
  }
}

/** Makes the database if it is not there; answers what the server says it is ("10.11.6-MariaDB-…"). */
export async function prepareServer(url: string, charset: string, collate: string): Promise<string> {
  const { database, ...options } = optionsOf(url)
  const connection = createConnection(options).promise()
  // A refused connection is told by the query; unhandled it would end the process.
  connection.on('error', () => undefined)
  try {
    const [rows] = await connection.query('select version() as version')
    await connection.query(`create database if not exists ?? character set ${charset} collate ${collate}`, [database])
    return (rows as { version: string }[])[0]?.version ?? ''
  } finally {
    connection.destroy()
  }
}

function optionsOf(url: string): PoolOptions & { database: string } {
  const { hostname, port, username, password, pathname } = new URL(url)
  return {
    host: decodeURIComponent(hostname),
    port: port === '' ? 3306 : Number(port),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname).slice(1),
    connectionLimit: connections,
    connectTimeout: waits.connectMs,
    timezone: 'Z',
    supportBigNumbers: true,
    dateStrings: true,
  }
}

interface State {
  limited: boolean
  statementMs: number
  tap: StatementTap | undefined
}

class BoundedDriver implements Driver {
  readonly #options: PoolOptions
  readonly #state: State
  #pool: Pool | undefined

  constructor(options: PoolOptions, state: State) {
    this.#options = options
    this.#state = state
  }

  async init(): Promise<void> {
    const pool = createPool(this.#options)
    const session = `set session innodb_lock_wait_timeout = ${waits.lockSeconds}`
    pool.on('connection', (connection) => {
      connection.query(session, () => undefined)
      // MariaDB only: what a transaction of ours that the network has cut off holds, it does not hold for hours.
      connection.query('set session idle_transaction_timeout = 30', () => undefined)
    })
    this.#pool = pool
  }

  acquireConnection(): Promise<Bounded> {
    return new Promise((resolve, reject) => {
      let late = false
      const timer = setTimeout(() => {
        late = true
        reject(timedOut(`No connection to the database was free or made within ${waits.acquireMs / 1000} s.`))
      }, waits.acquireMs)
      this.#pool!.getConnection((error, raw) => {
        clearTimeout(timer)
        if (late) raw?.release()
        else if (error) reject(error)
        else resolve(new Bounded(raw, this.#state))
      })
    })
  }

  async beginTransaction(connection: Bounded, { isolationLevel }: TransactionSettings): Promise<void> {
    try {
      if (isolationLevel) {
        await connection.executeQuery(CompiledQuery.raw(`set transaction isolation level ${isolationLevel}`))
      }
      await connection.executeQuery(CompiledQuery.raw('begin'))
      connection.inTransaction = true
    } catch (error) {
      // Nobody gives back a connection whose transaction was never begun.
      connection.close()
      throw error
    }
  }

  async commitTransaction(connection: Bounded): Promise<void> {
    try {
      await connection.executeQuery(CompiledQuery.raw('commit'))
      connection.inTransaction = false
    } catch (error) {
      throw connection.lost ? new OutcomeUnknown(error) : error
    }
  }

  /** The server takes back what a closed connection has begun, so this cannot fail. */
  async rollbackTransaction(connection: Bounded): Promise<void> {
    try {
      if (!connection.lost) await connection.executeQuery(CompiledQuery.raw('rollback'))
      connection.inTransaction = false
    } catch {
      connection.close()
    }
  }

  async savepoint(connection: Bounded, name: string): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(`savepoint ${name}`))
  }

  async rollbackToSavepoint(connection: Bounded, name: string): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(`rollback to ${name}`))
  }

  async releaseSavepoint(connection: Bounded, name: string): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(`release savepoint ${name}`))
  }

  async releaseConnection(connection: Bounded): Promise<void> {
    connection.release()
  }

  destroy(): Promise<void> {
    return new Promise((resolve, reject) => this.#pool!.end((error) => (error ? reject(error) : resolve())))
  }
}

/** One holder's time with a connection of the pool. */
class Bounded implements DatabaseConnection {
  inTransaction = false
  /** Cut, or timed out: what its last statement did is not known. */
  lost = false
  readonly #raw: PoolConnection
  readonly #state: State

  constructor(raw: PoolConnection, state: State) {
    this.#raw = raw
    this.#state = state
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const { tap } = this.#state
    const send = () => this.#send(sql, parameters)
    const result = await this.#bounded(() => (tap ? tap(sql, send, () => this.close()) : send())).catch((error) => {
      // Outside of a transaction every change is its own COMMIT.
      if (this.lost && !this.inTransaction && !leavesRowsAlone.test(sql)) throw new OutcomeUnknown(error)
      throw error
    })
    if (!isHeader(result)) return { rows: (Array.isArray(result) ? result : []) as R[] }
    const { insertId, affectedRows } = result
    return {
      rows: [],
      ...(affectedRows !== undefined && { numAffectedRows: BigInt(affectedRows) }),
      ...(insertId && { insertId: BigInt(insertId) }),
    }
  }

  // biome-ignore lint/correctness/useYield: rows that do not fit into memory at once are paged, never streamed.
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error('Results are read whole.')
  }

  #send(sql: string, parameters: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#raw.query(sql, parameters as unknown[], (error, result) => (error ? reject(error) : resolve(result)))
    })
  }

  async #bounded<T>(work: () => Promise<T>): Promise<T> {
    if (this.lost) throw timedOut('The connection to the database was lost.')
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      if (!this.#state.limited) return
      timer = setTimeout(() => {
        this.close()
        reject(timedOut(`The database did not answer within ${this.#state.statementMs / 1000} s.`))
      }, this.#state.statementMs)
    })
    try {
      return await Promise.race([work(), late])
    } catch (error) {
      // An error that is not the server's answer is the connection's end.
      if (!('sqlState' in (error as object)) || (error as { fatal?: boolean }).fatal) this.close()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  close(): void {
    if (this.lost) return
    this.lost = true
    this.#raw.destroy()
  }

  release(): void {
    if (this.lost) return
    if (this.inTransaction) this.close()
    else this.#raw.release()
  }
}

function isHeader(result: unknown): result is { insertId?: number | string; affectedRows?: number } {
  return typeof result === 'object' && result !== null && 'affectedRows' in result
}

function timedOut(message: string): Error {
  return Object.assign(new Error(message), { code: 'ETIMEDOUT' })
}
