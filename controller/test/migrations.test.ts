import { expect, test } from 'vitest'
import { entitiesOf, features } from '../src/app.ts'
import { type Db, openDb } from '../src/platform/db.ts'
import { migrate } from '../src/platform/migrate.ts'
import { testDatabase } from './start-controller.ts'

test('the migrations make exactly the tables that the entities describe', async () => {
  const db = await openDb(testDatabase(), entitiesOf(features))
  try {
    await migrate(db)
    // What is missing in the migrations, as SQL: "pnpm --dir controller migrations:new <what> <server>" writes it.
    expect(await db.orm.schema.getUpdateSchemaSQL({ wrap: false })).toBe('')
    await migrate(db)
  } finally {
    if (db.dialect === 'mysql') await db.orm.schema.dropDatabase()
    await db.close()
  }
})

test('what the first tables hold is still there after every migration', async () => {
  const db = await openDb(testDatabase(), entitiesOf(features))
  try {
    const [first] = await db.orm.migrator.getPending()
    await db.orm.migrator.up({ to: first!.name })
    const old = (await tablesOf(db)).filter(({ name }) => !name.startsWith('migration'))
    let waiting = old
    while (waiting.length > 0) {
      // A row that another must come before is tried again after it.
      const refused: typeof old = []
      for (const table of waiting) {
        const row = table.columns.map((column) => [column.name, someValue(db, column.dataType)])
        const insert = db.kysely().insertInto(table.name).values(Object.fromEntries(row))
        await insert.execute().catch(() => refused.push(table))
      }
      expect(refused.length).toBeLessThan(waiting.length)
      waiting = refused
    }
    await migrate(db)
    for (const { name, columns } of old) {
      const [row] = await db.kysely().selectFrom(name).selectAll().execute()
      expect(row, name).toBeDefined()
      expect(Object.keys(row!), name).toEqual(expect.arrayContaining(columns.map((column) => column.name)))
    }
  } finally {
    if (db.dialect === 'mysql') await db.orm.schema.dropDatabase()
    await db.close()
  }
})

async function tablesOf(db: Db) {
  const tables = await db.kysely().introspection.getTables()
  const database = db.dialect === 'mysql' ? db.orm.config.get('dbName') : undefined
  return tables.filter(({ schema }) => database === undefined || schema === database)
}

function someValue(db: Db, type: string): unknown {
  if (/int|decimal|double|real/i.test(type)) return 1
  if (/date|time/i.test(type)) return db.toColumn(new Date(0))
  return /blob|binary/i.test(type) ? Buffer.from([1]) : '1'
}

test('a database of another version is refused', async () => {
  const db = await openDb(testDatabase(), entitiesOf(features))
  try {
    await migrate(db)
    await db.orm.migrator.getStorage().logMigration({ name: 'migration-9999-from-the-future' })
    await expect(migrate(db)).rejects.toThrow(/made by another AnsFlow/)
  } finally {
    if (db.dialect === 'mysql') await db.orm.schema.dropDatabase()
    await db.close()
  }
})
