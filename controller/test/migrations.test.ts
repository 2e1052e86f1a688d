import { expect, test } from 'vitest'
import { entities } from '../src/entities.ts'
import { openDb } from '../src/platform/db.ts'
import { migrate } from '../src/platform/migrate.ts'
import { testDatabase } from './start-controller.ts'

test('the migrations make exactly the tables that the entities describe', async () => {
  const db = await openDb(testDatabase(), entities)
  try {
    await migrate(db)
    // What is missing in the migrations, as SQL; run "pnpm --dir controller migrations:initial" to write them again.
    expect(await db.orm.schema.getUpdateSchemaSQL({ wrap: false })).toBe('')
    await migrate(db)
  } finally {
    if (db.dialect === 'mysql') await db.orm.schema.dropDatabase()
    await db.close()
  }
})

test('a database of another version is refused', async () => {
  const db = await openDb(testDatabase(), entities)
  try {
    await migrate(db)
    await db.orm.migrator.getStorage().logMigration({ name: 'migration-9999-from-the-future' })
    await expect(migrate(db)).rejects.toThrow(/made by another AnsFlow/)
  } finally {
    if (db.dialect === 'mysql') await db.orm.schema.dropDatabase()
    await db.close()
  }
})
