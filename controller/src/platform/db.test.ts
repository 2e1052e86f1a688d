// What features rely on in a database, on whichever dialect the tests run.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineEntity, p } from '@mikro-orm/core'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { testDatabase } from '../../test/start-controller.ts'
import { type Db, openDb } from './db.ts'
import { deleteRows } from './delete-rows.ts'
import { uuidv7 } from './ids.ts'

const Item = defineEntity({
  name: 'Item',
  tableName: 'item',
  properties: {
    id: p.string().length(36).primary(),
    name: p.string().length(64).unique(),
    owner: p.string().length(36).nullable(),
    count: p.integer(),
    at: p.datetime(3),
    bytes: p.blob().nullable(),
    done: p.boolean(),
  },
})

interface Tables {
  item: {
    id: string
    name: string
    owner: string | null
    count: number
    at: unknown
    bytes: Uint8Array | null
    done: unknown
  }
}

let db: Db
beforeEach(async () => {
  db = await openDb(testDatabase(), [Item])
  await db.orm.schema.create()
})
afterEach(async () => {
  if (db.dialect === 'mysql') await db.orm.schema.dropDatabase()
  await db.close()
})

function item(name: string) {
  return {
    id: uuidv7(),
    name,
    owner: null,
    count: 0,
    at: new Date('2026-01-02T03:04:05.678Z'),
    bytes: null,
    done: false,
  }
}

test('of many who claim a row by conditional update exactly one gets it', async () => {
  const row = item('job')
  await db.em().insert(Item, row)
  const claims = await Promise.all(
    Array.from({ length: 20 }, async (_, n) => {
      const result = await db
        .kysely<Tables>()
        .updateTable('item')
        .set({ owner: `agent ${n}` })
        .where('id', '=', row.id)
        .where('owner', 'is', null)
        .executeTakeFirst()
      return Number(result.numUpdatedRows)
    }),
  )
  expect(claims.reduce((sum, rows) => sum + rows)).toBe(1)
})

test('an update that changes nothing still counts the row it found', async () => {
  const row = item('same')
  await db.em().insert(Item, row)
  const query = db.kysely<Tables>().updateTable('item').set({ count: 0 }).where('id', '=', row.id)
  expect((await query.executeTakeFirst()).numUpdatedRows).toBe(1n)
  expect(await db.em().nativeUpdate(Item, { id: row.id }, { count: 0 })).toBe(1)
})

test('a failed transaction leaves nothing behind', async () => {
  const failing = db.transaction(async (em) => {
    await em.insert(Item, item('gone'))
    await db
      .kysely<Tables>(em)
      .insertInto('item')
      .values({ ...item('gone too'), at: db.toColumn(new Date()), done: 0 })
      .execute()
    throw new Error('no')
  })
  await expect(failing).rejects.toThrow('no')
  expect(await db.em().count(Item)).toBe(0)
})

test('concurrent read-modify-write transactions on two rows in opposite order all succeed', async () => {
  const [a, b] = [item('a'), item('b')]
  await db.em().insertMany(Item, [a, b])
  const bump = (first: string, second: string) =>
    db.transaction(async (em) => {
      for (const id of [first, second]) {
        await db
          .kysely<Tables>(em)
          .updateTable('item')
          .set((row) => ({ count: row('count', '+', 1) }))
          .where('id', '=', id)
          .execute()
      }
    })
  await Promise.all(Array.from({ length: 10 }, (_, n) => (n % 2 ? bump(a.id, b.id) : bump(b.id, a.id))))
  expect((await db.em().find(Item, {})).map((row) => row.count)).toEqual([10, 10])
})

test('times and bytes come back as they went in, by both ways', async () => {
  const row = { ...item('exact'), bytes: Buffer.from([0, 255, 128, 10]) }
  await db.em().insert(Item, row)
  const loaded = await db.em().findOneOrFail(Item, { id: row.id })
  expect(loaded.at).toEqual(row.at)
  expect(Buffer.from(loaded.bytes ?? [])).toEqual(row.bytes)
  const later = new Date('2026-06-07T08:09:10.011Z')
  await db
    .kysely<Tables>()
    .updateTable('item')
    .set({ at: db.toColumn(later) })
    .where('id', '=', row.id)
    .execute()
  const raw = await db
    .kysely<Tables>()
    .selectFrom('item')
    .selectAll()
    .where('at', '=', db.toColumn(later))
    .executeTakeFirstOrThrow()
  expect(db.fromColumn(raw.at)).toEqual(later)
  expect((await db.em().findOneOrFail(Item, { id: row.id })).at).toEqual(later)
})

test('text is compared byte by byte', async () => {
  await db.em().insertMany(Item, [item('Name'), item('name')])
  expect(await db.em().count(Item, { name: 'name' })).toBe(1)
})

test('mistakes that would wait for themselves are told at once', async () => {
  await expect(db.transaction(() => db.transaction(async () => undefined))).rejects.toThrow('inside a transaction')
  if (db.dialect === 'sqlite') {
    await expect(db.transaction(() => db.em().count(Item))).rejects.toThrow('outside the transaction')
  }
  expect(await db.em().count(Item)).toBe(0)
})

test('a SQLite file serves one controller at a time', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ansflow-db-'))
  const file = join(folder, 'ansflow.db')
  const first = await openDb({ kind: 'sqlite', file }, [Item])
  await expect(openDb({ kind: 'sqlite', file }, [Item])).rejects.toThrow(/Another controller uses/)
  await first.close()
  await (await openDb({ kind: 'sqlite', file }, [Item])).close()
  rmSync(folder, { recursive: true })
})

test('who only reads waits for nobody’s transaction, and sees what is committed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ansflow-db-'))
  const own = db.dialect === 'sqlite' ? await openDb({ kind: 'sqlite', file: join(folder, 'a.db') }, [Item]) : db
  if (own !== db) await own.orm.schema.create()
  const count = () => own.em().count(Item)
  const [wrote, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const writing = own.transaction(async (em) => {
    await em.insert(Item, item('slow'))
    wrote.resolve()
    await goOn.promise
  })
  await wrote.promise
  expect(await count()).toBe(0)
  goOn.resolve()
  await writing
  expect(await count()).toBe(1)
  if (own !== db) await own.close()
  rmSync(folder, { recursive: true })
})

test('very many rows are deleted some at a time, and only those that fit', async () => {
  const rows = Array.from({ length: 450 }, (_, n) => ({ ...item(`item ${n}`), owner: n < 430 ? 'mine' : 'theirs' }))
  await db.em().insertMany(Item, rows)
  await db.transaction((em) => deleteRows(em.getKysely<Tables>(), 'item', sql`owner = ${'mine'}`))
  const left = await db.kysely<Tables>().selectFrom('item').select('owner').execute()
  expect(left.map(({ owner }) => owner)).toEqual(Array(20).fill('theirs'))
})
