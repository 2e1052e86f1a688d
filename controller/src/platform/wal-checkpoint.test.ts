// A large commit leaves its pages in the write-ahead log, and a thread copies them into the file; small ones are SQLite's own affair.
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, expect, test } from 'vitest'
import { waitFor } from '../../test/wait-for.ts'
import { openDb } from './db.ts'
import { walCheckpoint } from './wal-checkpoint.ts'

const folder = mkdtempSync(join(tmpdir(), 'ansflow-wal-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('what the log holds is copied, also what came while it was', async () => {
  const file = join(folder, 'plain.db')
  const db = new DatabaseSync(file)
  db.exec('pragma journal_mode = wal; pragma wal_autocheckpoint = 0; create table t (data blob)')
  const megabyte = 1024 * 1024
  const write = () => db.prepare('insert into t values (zeroblob(?))').run(megabyte)
  const checkpoint = walCheckpoint(file)
  write()
  expect(statSync(file).size).toBeLessThan(megabyte)
  checkpoint.begin()
  expect(checkpoint.isRunning).toBe(true)
  write()
  checkpoint.begin()
  await checkpoint.settled()
  expect(checkpoint.isRunning).toBe(false)
  expect(statSync(file).size).toBeGreaterThan(2 * megabyte)
  db.close()
})

test('SQLite copies nothing in a large commit, and by itself again afterwards', async () => {
  const file = join(folder, 'driven.db')
  const db = await openDb({ kind: 'sqlite', file }, [])
  try {
    const pages = () =>
      db.transaction(async (em) => Object.values((await em.execute('pragma wal_autocheckpoint'))[0] as object)[0])
    await db.em().execute('create table t (data blob)')
    expect(await pages()).toBe(1000)
    await db.transaction(async (em) => {
      const until = performance.now() + 200
      while (performance.now() < until) await em.execute('insert into t values (randomblob(200000))')
    })
    expect(await pages()).toBe(0)
    await waitFor(async () => (await pages()) === 1000)
    const [row] = (await db.em().execute('select count(*) as count from t')) as { count: number }[]
    expect(row!.count).toBeGreaterThan(1)
  } finally {
    await db.close()
  }
})
