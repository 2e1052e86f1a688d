// The database: SQLite, MySQL or MariaDB behind one entity manager; transactions that are run again when they lose a race.
import { AsyncLocalStorage } from 'node:async_hooks'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Migration, Migrator } from '@mikro-orm/migrations'
import {
  type AbstractSqlDriver,
  type AnyEntity,
  type EntityClass,
  type EntitySchema,
  IsolationLevel,
  MikroORM,
  type Options,
  type SqlEntityManager,
  SqliteDriver,
} from '@mikro-orm/sql'
import type { Kysely } from 'kysely'
import { v7 } from 'uuid'
import { CommitMarkerEntity, commitMarkerTable } from './commit-marker.entity.ts'
import { uuidv7 } from './ids.ts'
import type { MySql } from './mysql.ts'
import { insideTransaction, nodeSqliteDialect, takeFile } from './sqlite.ts'
import type { StatementTap } from './statement-tap.ts'
import { lostRace, storeError, storeReason } from './store-error.ts'
import { type StoreHealth, storeHealth } from './store-health.ts'

export type EntityManager = SqlEntityManager
export type Entities = (EntityClass<AnyEntity> | EntitySchema)[]
export type Orm = MikroORM<AbstractSqlDriver, SqlEntityManager>
/** By the names under which the database keeps them, in their order. */
export type Migrations = Record<string, new (...args: ConstructorParameters<typeof Migration>) => Migration>
/** Columns as the database has them; hot paths give their own table types instead. */
export type UntypedTables = Record<string, Record<string, unknown>>

export type DatabaseConfig =
  | { kind: 'sqlite'; file: string }
  /** `statementMs`: how long a statement may take, instead of the usual time. */
  | { kind: 'mysql'; url: string; statementMs?: number }

export interface Db {
  readonly orm: Orm
  readonly dialect: 'sqlite' | 'mysql'
  readonly migrations: Migrations
  /** A fresh entity manager: an identity map of its own. */
  em(): EntityManager
  /** The query builder under the ORM: inside the transaction of `em`, else on the pool. Names as in the database. */
  kysely<Tables = UntypedTables>(em?: EntityManager): Kysely<Tables>
  /** A time as a column holds it, for kysely; the ORM converts by itself. */
  toColumn(time: Date): number | string
  fromColumn(value: unknown): Date
  /**
   * Read committed. The whole of `work` runs again when the database says that it lost a race, or when the connection was lost
   * and nothing was committed, so it must only touch `em`. What the store cannot do is thrown as `unavailable`; as `aborted`
   * with the reason `outcome_unknown` when even afterwards nobody could find out whether the COMMIT that was sent has happened.
   */
  transaction<T>(work: (em: EntityManager) => Promise<T>): Promise<T>
  /** The same for what is mostly statements of its own: an entity manager is made when it is asked for. */
  commit<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>
  /** Every transaction that `work` makes writes this too. */
  alongside<T>(write: (em: EntityManager) => Promise<unknown>, work: () => Promise<T>): Promise<T>
  /** Whether changes can be made just now: found out by making one, at most once a second. */
  writable(): Promise<boolean>
  /** A statement may take as long as it takes: for migrations. */
  withoutLimit<T>(work: () => Promise<T>): Promise<T>
  /** Takes away what finding out about lost COMMITs has left. */
  forgetMarkers(): Promise<void>
  close(): Promise<void>
}

export interface Transaction {
  kysely<Tables>(): Kysely<Tables>
  em(): EntityManager
}

const writesBeside = new AsyncLocalStorage<(em: EntityManager) => Promise<unknown>>()

export const memoryFile = ':memory:'

/** `tap`: for tests that let statements fail. */
export async function openDb(config: DatabaseConfig, features: Entities, tap?: StatementTap): Promise<Db> {
  const entities = [...features, CommitMarkerEntity]
  if (config.kind === 'mysql') return openMySql(config, entities, tap)
  if (config.file === memoryFile) return openSqlite(config.file, entities, tap)
  mkdirSync(dirname(config.file), { recursive: true })
  const taken = takeFile(config.file)
  if (!taken) {
    throw new Error(
      `Another controller uses ${config.file}. One SQLite file serves one controller; stop the other one, or give both a MySQL database in ANSFLOW_DATABASE_URL.`,
    )
  }
  try {
    return await openSqlite(config.file, entities, tap, taken.release)
  } catch (error) {
    taken.release()
    throw error
  }
}

export const sharedOptions = {
  discovery: { warnWhenNoEntities: false },
  forceUtcTimezone: true,
  allowGlobalContext: false,
  extensions: [Migrator],
} satisfies Options

function migrationOptions(migrations: Migrations): Options {
  const migrationsList = Object.entries(migrations).map(([name, kind]) => ({ name, class: kind }))
  return { migrations: { tableName: 'migration', migrationsList, snapshot: false, silent: true } }
}

/** One collation for all text: compares bytes, as SQLite does. */
export const mySqlOptions = { charset: 'utf8mb4', collate: 'utf8mb4_bin' } satisfies Options

async function openSqlite(
  file: string,
  entities: Entities,
  tap: StatementTap | undefined,
  release?: () => void,
): Promise<Db> {
  const { migrations } = await import('../migrations/sqlite/index.ts')
  const orm = (await MikroORM.init({
    ...sharedOptions,
    ...migrationOptions(migrations),
    entities,
    driver: SqliteDriver,
    dbName: file,
    driverOptions: nodeSqliteDialect(file, tap),
  } as Options)) as Orm
  return database({ orm, dialect: 'sqlite', migrations, release })
}

/** What belongs to it is loaded only when it is used. */
async function openMySql(
  { url, statementMs }: DatabaseConfig & { kind: 'mysql' },
  entities: Entities,
  tap: StatementTap | undefined,
): Promise<Db> {
  const { charset, collate } = mySqlOptions
  const { mySql, prepareServer } = await import('./mysql.ts')
  const version = await prepareServer(url, charset, collate).catch((error: unknown) => {
    const { host } = new URL(url)
    throw new Error(`The database server at ${host} does not answer: ${(error as Error).message}`)
  })
  const { dialect, withoutLimit } = mySql(url, tap, statementMs)
  const { migrations } = await import('../migrations/mysql/index.ts')
  const orm = (await MikroORM.init({
    ...sharedOptions,
    ...mySqlOptions,
    ...migrationOptions(migrations),
    entities,
    driver: await mySqlDriver(version),
    clientUrl: url,
    driverOptions: dialect,
  } as Options)) as Orm
  return database({ orm, dialect: 'mysql', migrations, withoutLimit })
}

/** MariaDB speaks MySQL's protocol but stores and reports types differently. */
async function mySqlDriver(version: string): Promise<Options['driver']> {
  if (/mariadb/i.test(version)) return (await import('@mikro-orm/mariadb')).MariaDbDriver
  return (await import('@mikro-orm/mysql')).MySqlDriver
}

interface Opened {
  orm: Orm
  dialect: Db['dialect']
  migrations: Migrations
  withoutLimit?: MySql['withoutLimit']
  release?: (() => void) | undefined
}

const attempts = 5
/** For so long a transaction whose connection was lost is begun again, and the outcome of a COMMIT is asked for. */
const patienceMs = 10_000
const markersKeptMs = 3_600_000

function database({ orm, dialect, migrations, withoutLimit = (work) => work(), release }: Opened): Db {
  const em = () => orm.em.fork() as EntityManager
  const pool = orm.em.getConnection().getClient()
  const health: StoreHealth = storeHealth(() => mark(pool, uuidv7()))
  const isolation = dialect === 'mysql' ? { isolationLevel: IsolationLevel.READ_COMMITTED } : {}

  async function transact<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const marker = uuidv7()
    const beside = writesBeside.getStore()
    const connection = orm.em.getConnection()
    const begun = await connection.begin(isolation)
    let manager: EntityManager | undefined
    const transaction: Transaction = {
      kysely: <Tables>() => begun as unknown as Kysely<Tables>,
      em() {
        if (manager) return manager
        manager = em()
        manager.setTransactionContext(begun)
        return manager
      },
    }
    let done: { result: T } | undefined
    try {
      done = { result: await work(transaction) }
      if (beside) await beside(transaction.em())
      // SQLite has no network in which the answer to a COMMIT could be lost.
      if (dialect === 'mysql') await mark(begun, marker)
      await manager?.flush()
      await connection.commit(begun)
      return done.result
    } catch (error) {
      // What went wrong is worth more than that taking it back failed too: the connection may be gone.
      await connection.rollback(begun).catch(() => undefined)
      if (dialect === 'mysql' && done && storeReason(error) === 'outcome_unknown') {
        if (await hasCommitted(marker, error)) return done.result
        throw new Uncommitted(error)
      }
      throw error
    } finally {
      manager?.resetTransactionContext()
    }
  }

  /**
   * Asks by making the same marker: it waits for a transaction that still holds it, is refused once that has committed, and
   * keeps it from ever committing otherwise.
   */
  async function hasCommitted(marker: string, cause: unknown): Promise<boolean> {
    const until = performance.now() + patienceMs
    for (let wait = 20; performance.now() < until; wait = Math.min(wait * 2, 1000)) {
      try {
        await mark(pool, marker)
        return false
      } catch (error) {
        if ((error as { errno?: number }).errno === duplicateKey) return true
        if (!storeReason(error)) throw error
      }
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
    throw cause
  }

  /** Whether nothing was committed and the same may be tried again; waits a little before. */
  async function mayTryAgain(error: unknown, attempt: number, since: number): Promise<boolean> {
    const again =
      error instanceof Uncommitted ||
      (lostRace(error) && attempt < attempts) ||
      (dialect === 'mysql' && storeReason(error) === 'store_unavailable' && attempt < 2)
    if (!again || performance.now() - since > patienceMs) return false
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * 2 ** Math.min(attempt, attempts)))
    return true
  }

  async function commit<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    if (insideTransaction.getStore()?.open) throw new Error('A transaction was begun inside a transaction.')
    const since = performance.now()
    for (let attempt = 1; ; attempt++) {
      const state = { open: true }
      try {
        const result = await transact((transaction) =>
          insideTransaction
            .run(state, () => work(transaction))
            .finally(() => {
              state.open = false
            }),
        )
        health.wrote()
        return result
      } catch (error) {
        state.open = false
        if (await mayTryAgain(error, attempt, since)) continue
        // Many who want the same row say nothing of the store.
        if (storeReason(error) && !lostRace(error)) health.failed()
        throw storeError(error) ?? error
      }
    }
  }

  return {
    orm,
    dialect,
    migrations,
    em,
    kysely: <Tables>(manager?: EntityManager) => (manager?.getKysely() ?? pool) as unknown as Kysely<Tables>,
    toColumn: (time) => (dialect === 'sqlite' ? time.getTime() : time.toISOString().replace('T', ' ').replace('Z', '')),
    fromColumn(value) {
      if (typeof value === 'number') return new Date(value)
      return value instanceof Date ? value : new Date(`${String(value).replace(' ', 'T')}Z`)
    },
    transaction: (work) => commit((transaction) => work(transaction.em())),
    commit,
    alongside: (write, work) => writesBeside.run(write, work),
    writable: () => health.writable(),
    withoutLimit,
    async forgetMarkers() {
      const before = v7({ msecs: Date.now() - markersKeptMs })
      await pool.deleteFrom(commitMarkerTable).where('id', '<', before).execute()
    },
    async close() {
      await orm.close(true)
      release?.()
    },
  }
}

/** ER_DUP_ENTRY */
const duplicateKey = 1062

async function mark(db: unknown, id: string): Promise<void> {
  await (db as Kysely<UntypedTables>).insertInto(commitMarkerTable).values({ id }).execute()
}

/** The answer to the COMMIT was lost, and it is known by now that it did not happen. */
class Uncommitted extends Error {
  constructor(cause: unknown) {
    super('The transaction was not committed.', { cause: (cause as Error).cause })
  }
}
