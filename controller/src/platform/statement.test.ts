// Compiled once, right every time: on the pool, in transactions, for any number of rows.
import { defineEntity, p } from '@mikro-orm/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { testDatabase } from '../../test/start-controller.ts'
import { type Db, openDb } from './db.ts'
import { insertion, statement, statementOfList } from './statement.ts'

const Cell = defineEntity({
  name: 'Cell',
  tableName: 'cell',
  properties: { id: p.string().length(36).primary(), size: p.integer(), note: p.string().nullable() },
})

interface Tables {
  cell: { id: string; size: number; note: string | null }
}

const find = statement<Tables, { least: number; limit: number }>()((db, { least, limit }) =>
  db.selectFrom('cell').selectAll().where('size', '>=', least).orderBy('size').limit(limit),
)
const grow = statement<Tables, { id: string; was: number; size: number; note: string | null }>()((db, values) =>
  db
    .updateTable('cell')
    .set({ size: values.size, note: values.note })
    .where('id', '=', values.id)
    .where('size', '=', values.was),
)
const insert = insertion<Tables, 'cell'>('cell')

let db: Db
beforeEach(async () => {
  db = await openDb(testDatabase(), [Cell])
  await db.orm.schema.create()
})
afterEach(async () => {
  if (db.dialect === 'mysql') await db.orm.schema.dropDatabase()
  await db.close()
})

test.each([1, 2, 8, 9, 700])('%i rows are inserted with their own values', async (count) => {
  const rows = Array.from({ length: count }, (_, size) => ({ id: `c${size}`, size, note: size % 2 ? null : `${size}` }))
  await insert(db.kysely<Tables>(), rows)
  const found = await db.kysely<Tables>().selectFrom('cell').selectAll().orderBy('size').execute()
  expect(found).toEqual(rows)
})

test('a list has as many values as it is given', async () => {
  const rows = Array.from({ length: 12 }, (_, size) => ({ id: `c${size}`, size, note: null }))
  await insert(db.kysely<Tables>(), rows)
  const sizes = statementOfList<Tables, string>()((to, ids) =>
    to.selectFrom('cell').select('size').where('id', 'in', ids).orderBy('size'),
  )
  for (const wanted of [['c3'], ['c1', 'c11'], ['c4'], rows.map(({ id }) => id), ['c7', 'c2']]) {
    const { rows: found } = await sizes(db.kysely<Tables>(), wanted)
    const expected = wanted.map((id) => Number(id.slice(1))).sort((a, b) => a - b)
    expect(found.map(({ size }) => size)).toEqual(expected)
  }
})

test('each execution has the values it is given, nulls too, and the pool does not see an open transaction', async () => {
  await insert(db.kysely<Tables>(), [
    { id: 'a', size: 1, note: 'x' },
    { id: 'b', size: 2, note: 'y' },
  ])
  await db.transaction(async (em) => {
    const inside = db.kysely<Tables>(em)
    expect(await grow.changed(inside, { id: 'a', was: 1, size: 3, note: null })).toBe(1n)
    expect(await grow.changed(inside, { id: 'a', was: 1, size: 4, note: 'late' })).toBe(0n)
    expect(await find.first(inside, { least: 3, limit: 5 })).toEqual({ id: 'a', size: 3, note: null })
  })
  const failed = db.transaction(async (em) => {
    await grow.changed(db.kysely<Tables>(em), { id: 'b', was: 2, size: 9, note: 'undone' })
    throw new Error('no')
  })
  await expect(failed).rejects.toThrow('no')
  const { rows } = await find.execute(db.kysely<Tables>(), { least: 0, limit: 1 })
  expect(rows).toEqual([{ id: 'b', size: 2, note: 'y' }])
})
