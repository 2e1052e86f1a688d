import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { can, type Permission, type Scope } from '@ansflow/proto/access'
import { byPerson } from '@ansflow/proto/triggers/run-origin'
import { expect, test } from 'vitest'
import { entitiesOf, features } from '../src/app.ts'
import { grantsOf, InvitationEntity } from '../src/features/access/index.ts'
import { parseOrigin } from '../src/features/runs/run-rows.ts'
import type { RunTables } from '../src/features/runs/run-tables.ts'
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
    const [run] = await db.kysely<RunTables>().selectFrom('run').selectAll().execute()
    expect(parseOrigin(run!.origin)).toEqual(byPerson(run!.started_by, String(someValue(db, 'text'))))
    for (const { name, columns } of old) {
      const [row] = await db.kysely().selectFrom(name).selectAll().execute()
      expect(row, name).toBeDefined()
      const kept = columns
        .map((column) => renamed[name]?.[column.name] ?? column.name)
        .filter((column) => column !== gone)
      expect(Object.keys(row!), name).toEqual(expect.arrayContaining(kept))
    }
  } finally {
    if (db.dialect === 'mysql') await db.orm.schema.dropDatabase()
    await db.close()
  }
})

const gone = '-'
/** Columns whose values go on under another name, or that nothing reads any more. */
const renamed: Record<string, Record<string, string>> = {
  access_grant: { user_id: 'subject_id', project_id: 'scope_id', role: 'role_id' },
  invitation: { project_id: 'scope_id', role: 'role_id' },
  run: { started_by_name: 'origin', idempotency_key: gone },
}

test('everybody keeps the role that an older AnsFlow gave them, and what they were invited for', async () => {
  const db = await openDb(testDatabase(), entitiesOf(features))
  const at = db.toColumn(new Date(0))
  const later = db.toColumn(new Date(1000))
  try {
    const [first] = await db.orm.migrator.getPending()
    await db.orm.migrator.up({ to: first!.name })
    const old = db.kysely<Record<'access_grant' | 'invitation', Record<string, unknown>>>()
    // Roles were the numbers 1 to 4; 9 is one of a newer AnsFlow, or a fault.
    for (const [n, projectId] of [
      [1, null],
      [2, null],
      [3, null],
      [4, null],
      [2, 'project'],
      [9, null],
    ] as const) {
      const common = { id: `${n} ${projectId}`, organization_id: 'org', project_id: projectId, role: n }
      const grant = { user_id: `user ${n} ${projectId}`, scope_id: projectId ?? 'org', created_at: at }
      await old
        .insertInto('access_grant')
        .values({ ...common, ...grant })
        .execute()
      const invitation = { email: `${n}`, token_hash: common.id, invited_by: 'user', expires_at: later }
      await old
        .insertInto('invitation')
        .values({ ...common, ...invitation, created_at: at })
        .execute()
    }
    await migrate(db)
    const now = new Date(500)
    const project = { organizationId: 'org', projectId: 'project' }
    const may = async (user: string, permission: Permission, scope: Scope) =>
      can({ grants: await grantsOf(db, db.em(), user, now), scopes: ['*'] }, permission, scope)
    const asked = async (user: string) =>
      Promise.all([
        may(user, 'run.read', project),
        may(user, 'run.start', project),
        may(user, 'agent.manage', { organizationId: 'org' }),
        may(user, 'organization.update', { organizationId: 'org' }),
      ])
    expect(await asked('user 1 null')).toEqual([true, false, false, false])
    expect(await asked('user 2 null')).toEqual([true, true, false, false])
    expect(await asked('user 3 null')).toEqual([true, true, true, false])
    expect(await asked('user 4 null')).toEqual([true, true, true, true])
    expect(await asked('user 2 project')).toEqual([true, true, false, false])
    expect(await may('user 2 project', 'run.read', { organizationId: 'org' })).toBe(false)
    expect(await asked('user 9 null')).toEqual([false, false, false, false])
    const invited = await db.em().find(InvitationEntity, {}, { orderBy: { id: 'asc' } })
    expect(invited.map((row) => [row.roleId, row.scopeKind, row.scopeId])).toEqual([
      ['viewer', 'organization', 'org'],
      ['developer', 'organization', 'org'],
      ['developer', 'project', 'project'],
      ['maintainer', 'organization', 'org'],
      ['owner', 'organization', 'org'],
      ['unknown', 'organization', 'org'],
    ])
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

test('every migration stands in its list', async () => {
  const db = await openDb(testDatabase(), entitiesOf(features))
  const files = readdirSync(join(import.meta.dirname, '../src/migrations', db.dialect))
  await db.close()
  const names = files.filter((file) => file !== 'index.ts').map((file) => basename(file, '.ts'))
  expect(Object.keys(db.migrations)).toEqual(names.sort())
})

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
