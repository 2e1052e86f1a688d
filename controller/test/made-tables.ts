// An empty database gets its tables as the migrations have left them in the first database of this process: what they do step by step
// is done once a process, not once a test. That they make what the entities say is what migrations.test.ts shows.
import { type Kysely, sql } from 'kysely'
import type { Db, UntypedTables } from '../src/platform/db.ts'

type Statements = Kysely<UntypedTables>

interface Made {
  /** What makes the tables, in the order in which it can be run. */
  statements: string[]
  /** Which migrations have been run, as they have noted it. */
  noted: Record<string, unknown>[]
}

const made = new Map<Db['dialect'], Made>()

/** For what has brought `db` up to date by its migrations. */
export async function keepTables(db: Db): Promise<void> {
  if (made.has(db.dialect)) return
  const all = db.kysely()
  const statements = await (db.dialect === 'sqlite' ? sqliteStatements(all) : mySqlStatements(all))
  made.set(db.dialect, { statements, noted: await all.selectFrom('migration').selectAll().execute() })
}

/** Leaves a database alone that has tables already, and one that is the first of its process. */
export async function makeTables(db: Db): Promise<void> {
  const tables = made.get(db.dialect)
  if (!tables) return
  if (db.dialect === 'sqlite') {
    if ((await sqliteStatements(db.kysely())).length > 0) return
    await db.commit((transaction) => makeIn(transaction.kysely(), tables))
    return
  }
  await db
    .kysely()
    .connection()
    .execute(async (connection) => {
      if ((await mySqlTables(connection)).length > 0) return
      // Of one session: the tables come in the order of their names.
      await sql`set foreign_key_checks = 0`.execute(connection)
      await makeIn(connection, tables)
      await sql`set foreign_key_checks = 1`.execute(connection)
    })
}

async function makeIn(connection: Statements, { statements, noted }: Made): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(connection)
  await connection.insertInto('migration').values(noted).execute()
}

/** Without the indexes that come with their tables. */
async function sqliteStatements(connection: Statements): Promise<string[]> {
  const found = await sql<{ sql: string }>`select sql from sqlite_master where sql is not null
    and name not like 'sqlite_%' order by rowid`.execute(connection)
  return found.rows.map((row) => row.sql)
}

async function mySqlTables(connection: Statements): Promise<string[]> {
  const found = await sql<{ name: string }>`select table_name as name from information_schema.tables
    where table_schema = database() order by table_name`.execute(connection)
  return found.rows.map(({ name }) => name)
}

async function mySqlStatements(connection: Statements): Promise<string[]> {
  const statements: string[] = []
  for (const name of await mySqlTables(connection)) {
    const { rows } = await sql<Record<string, string>>`show create table ${sql.table(name)}`.execute(connection)
    // A new table counts from the beginning.
    statements.push(rows[0]!['Create Table']!.replace(/ AUTO_INCREMENT=\d+/, ''))
  }
  return statements
}
