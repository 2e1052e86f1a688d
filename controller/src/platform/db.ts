// The database: SQLite, MySQL or MariaDB behind one entity manager; transactions that are run again when they lose a race.
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Migrator } from '@mikro-orm/migrations'
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
import { insideTransaction, nodeSqliteDialect, takeFile } from './sqlite.ts'

export type EntityManager = SqlEntityManager
export type Entities = (EntityClass<AnyEntity> | EntitySchema)[]
export type Orm = MikroORM<AbstractSqlDriver, SqlEntityManager>
/** Columns as the database has them; hot paths give their own table types instead. */
export type UntypedTables = Record<string, Record<string, unknown>>

export type DatabaseConfig = { kind: 'sqlite'; file: string } | { kind: 'mysql'; url: string }

export interface Db {
  readonly orm: Orm
  readonly dialect: 'sqlite' | 'mysql'
  readonly migrationsFolder: string
  /** A fresh entity manager: an identity map of its own. */
  em(): EntityManager
  /** The query builder under the ORM: inside the transaction of `em`, else on the pool. Names as in the database. */
  kysely<Tables = UntypedTables>(em?: EntityManager): Kysely<Tables>
  /** A time as a column holds it, for kysely; the ORM converts by itself. */
  toColumn(time: Date): number | string
  fromColumn(value: unknown): Date
  /** Read committed. The whole of `work` runs again when the database says it lost a race, so it must only touch `em`. */
  transaction<T>(work: (em: EntityManager) => Promise<T>): Promise<T>
  ping(): Promise<boolean>
  close(): Promise<void>
}

export const memoryFile = ':memory:'

export async function openDb(config: DatabaseConfig, entities: Entities): Promise<Db> {
  if (config.kind === 'mysql') return database(await openMySql(config.url, entities), 'mysql', () => undefined)
  if (config.file === memoryFile) return database(await openSqlite(config.file, entities), 'sqlite', () => undefined)
  mkdirSync(dirname(config.file), { recursive: true })
  const taken = takeFile(config.file)
  if (!taken) {
    throw new Error(
      `Another controller uses ${config.file}. One SQLite file serves one controller; stop the other one, or give both a MySQL database in ANSFLOW_DATABASE_URL.`,
    )
  }
  try {
    return database(await openSqlite(config.file, entities), 'sqlite', taken.release)
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

const migrationsRoot = fileURLToPath(new URL('../migrations', import.meta.url))

function migrationOptions(dialect: Db['dialect']): Options {
  const path = join(migrationsRoot, dialect)
  return {
    migrations: { tableName: 'migration', path, pathTs: path, glob: '*.ts', snapshot: false, silent: true, emit: 'ts' },
  }
}

/** One collation for all text: compares bytes, as SQLite does. */
export const mySqlOptions = { charset: 'utf8mb4', collate: 'utf8mb4_bin' } satisfies Options

async function openSqlite(file: string, entities: Entities): Promise<Orm> {
  return (await MikroORM.init({
    ...sharedOptions,
    ...migrationOptions('sqlite'),
    entities,
    driver: SqliteDriver,
    dbName: file,
    driverOptions: nodeSqliteDialect(file),
  } as Options)) as Orm
}

async function openMySql(url: string, entities: Entities): Promise<Orm> {
  const driver = await mySqlDriver(url)
  const orm = (await MikroORM.init({
    ...sharedOptions,
    ...mySqlOptions,
    ...migrationOptions('mysql'),
    entities,
    driver,
    clientUrl: url,
    pool: { max: 10 },
  } as Options)) as Orm
  await orm.schema.ensureDatabase()
  return orm
}

/** MariaDB speaks MySQL's protocol but stores and reports types differently: ask which it is. Loaded only when used. */
async function mySqlDriver(url: string): Promise<Options['driver']> {
  const { MySqlDriver } = await import('@mikro-orm/mysql')
  const server = new URL(url)
  server.pathname = '/information_schema'
  const probe = await MikroORM.init({
    ...sharedOptions,
    entities: [],
    driver: MySqlDriver,
    clientUrl: server.href,
  } as Options)
  try {
    const rows = (await probe.em.getConnection().execute('select version() as version')) as unknown as {
      version: string
    }[]
    return /mariadb/i.test(rows[0]?.version ?? '') ? (await import('@mikro-orm/mariadb')).MariaDbDriver : MySqlDriver
  } catch (error) {
    throw new Error(`The database server at ${server.host} does not answer: ${(error as Error).message}`)
  } finally {
    await probe.close(true)
  }
}

const attempts = 5

function database(orm: Orm, dialect: Db['dialect'], release: () => void): Db {
  const em = () => orm.em.fork() as EntityManager
  const pool = orm.em.getConnection().getClient()
  const isolation = dialect === 'mysql' ? { isolationLevel: IsolationLevel.READ_COMMITTED } : {}
  async function transact<T>(manager: EntityManager, work: (em: EntityManager) => Promise<T>): Promise<T> {
    await manager.begin(isolation)
    try {
      const result = await work(manager)
      await manager.commit()
      return result
    } catch (error) {
      // What went wrong is worth more than that taking it back failed too: the connection may be gone.
      await manager.rollback().catch(() => undefined)
      throw error
    }
  }
  return {
    orm,
    dialect,
    migrationsFolder: join(migrationsRoot, dialect),
    em,
    kysely: <Tables>(manager?: EntityManager) => (manager?.getKysely() ?? pool) as unknown as Kysely<Tables>,
    toColumn: (time) => (dialect === 'sqlite' ? time.getTime() : time.toISOString().replace('T', ' ').replace('Z', '')),
    fromColumn(value) {
      if (typeof value === 'number') return new Date(value)
      return value instanceof Date ? value : new Date(`${String(value).replace(' ', 'T')}Z`)
    },
    async transaction(work) {
      if (insideTransaction.getStore()?.open) throw new Error('A transaction was begun inside a transaction.')
      for (let attempt = 1; ; attempt++) {
        const state = { open: true }
        try {
          return await transact(em(), (manager) =>
            insideTransaction
              .run(state, () => work(manager))
              .finally(() => {
                state.open = false
              }),
          )
        } catch (error) {
          state.open = false
          if (attempt === attempts || !lostRace(error)) throw error
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * 2 ** attempt))
        }
      }
    },
    ping: () => orm.isConnected(),
    async close() {
      await orm.close(true)
      release()
    },
  }
}

// ER_LOCK_DEADLOCK, ER_LOCK_WAIT_TIMEOUT, ER_CHECKREAD (MariaDB: the row changed under the snapshot).
const mySqlRaces = new Set([1213, 1205, 1020])
// SQLITE_BUSY, SQLITE_LOCKED; the low byte of the extended codes.
const sqliteRaces = new Set([5, 6])

function lostRace(error: unknown): boolean {
  for (let cause = error as { errno?: number; errcode?: number; cause?: unknown } | undefined; cause; ) {
    if (cause.errno !== undefined && mySqlRaces.has(cause.errno)) return true
    if (cause.errcode !== undefined && sqliteRaces.has(cause.errcode & 0xff)) return true
    cause = cause.cause as typeof cause
  }
  return false
}
