// Events of a followed run come from what was just committed here; they are what the rows say, whoever else commits.
import { type WatchRunResponse, WatchRunResponseSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { toBinary, toJson } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { queuedJobs } from '../test/queued-jobs.ts'
import { openRuns, type RunsWorld } from '../test/runs-world.ts'
import { createRunEvents, runEventsAfter } from './run-events.ts'

const json = (events: readonly WatchRunResponse[]) => events.map((event) => toJson(WatchRunResponseSchema, event))
const stored = (world: RunsWorld, runId: string, seq: number) => runEventsAfter(world.db.em(), runId, seq, 1000)

test('what is committed here is told as the rows tell it, without reading them', async () => {
  await using world = await openRuns()
  const events = createRunEvents(world.db)
  const driver = world.newDriver(events)
  const runId = await world.start([{ id: 'a' }, { id: 'b', needs: [{ stepId: 'a' }] }, { id: 'c', runsOn: ['x'] }])
  const forget = events.keep(runId)
  expect(json(await events.after(runId, 0, 1000))).toEqual(json(await stored(world, runId, 0)))
  await world.finish(runId, driver)
  const rows = await stored(world, runId, 1)
  expect(rows.length).toBeGreaterThan(4)
  await world.db.kysely().deleteFrom('run_event').where('run_id', '=', runId).where('seq', '>', 1).execute()
  expect(json(await events.after(runId, 1, 1000))).toEqual(json(rows))
  expect(json(await events.after(runId, 2, 2))).toEqual(json(rows.slice(1, 3)))
  // Before what was heard, and behind all of it, only rows are asked.
  expect(json(await events.after(runId, 0, 1000))).toHaveLength(1)
  expect(await events.after(runId, rows.length + 1, 1000)).toEqual([])
  forget()
  expect(await events.after(runId, 1, 1000)).toEqual([])
})

test('events of another controller leave no gap', async () => {
  await using world = await openRuns()
  const events = createRunEvents(world.db)
  const here = world.newDriver(events)
  const there = world.newDriver()
  const runId = await world.start(['a', 'b', 'c', 'd'].map((id) => ({ id })))
  events.keep(runId)
  const jobs = await queuedJobs(world.db, 10)
  for (const [index, { jobId }] of jobs.entries()) {
    const driver = index % 2 === 0 ? here : there
    await world.report((await world.claim(jobId, undefined, driver))!, undefined, driver)
    const rows = json(await stored(world, runId, 0))
    for (let seq = 0; seq <= rows.length; seq++) {
      const told = json(await events.after(runId, seq, 1000))
      expect(told).toEqual(rows.slice(seq, seq + told.length))
      expect(told.length > 0).toBe(seq < rows.length)
    }
  }
})

test('inputs are stored with the run alone, and told with each event; events that were stored with them are told as they are', async () => {
  await using world = await openRuns()
  const inputs = { notes: 'x'.repeat(50_000), level: 'a' }
  const { id: runId } = await world.driver.start(world.startOf([{ id: 'a' }], { inputs }))
  await world.finish(runId)
  const events = await stored(world, runId, 0)
  const origin = { person: expect.objectContaining({ name: 'Ada' }) }
  for (const event of json(events)) expect(event).toMatchObject({ run: { inputs, origin } })
  const table = () => world.db.kysely<{ run_event: { run_id: string; data: Uint8Array } }>()
  const rows = await table().selectFrom('run_event').select('data').where('run_id', '=', runId).execute()
  for (const { data } of rows) expect(data.length).toBeLessThan(2000)
  const [first] = events
  const old = toBinary(WatchRunResponseSchema, { ...first!, run: { ...first!.run!, inputs: { level: 'b' } } })
  await table().deleteFrom('run_event').where('run_id', '=', runId).execute()
  await world.db.kysely().insertInto('run_event').values({ run_id: runId, seq: 1, data: old }).execute()
  expect(json(await stored(world, runId, 0))).toMatchObject([{ seq: 1, run: { inputs: { level: 'b' }, origin } }])
})

test('only the last events stay at hand', async () => {
  await using world = await openRuns()
  const events = createRunEvents(world.db)
  const driver = world.newDriver(events)
  const runId = await world.start(Array.from({ length: 450 }, (_, n) => ({ id: `s${n}` })))
  events.keep(runId)
  for (const { jobId } of (await queuedJobs(world.db, 30)).slice(0, 30))
    await world.report((await world.claim(jobId, undefined, driver))!, undefined, driver)
  const { length } = await stored(world, runId, 0)
  expect(length).toBeGreaterThan(70)
  await world.db.kysely().deleteFrom('run_event').where('run_id', '=', runId).execute()
  expect(await events.after(runId, 3, 1000)).toEqual([])
  expect(await events.after(runId, length - 64, 1000)).toHaveLength(64)
  // What changes very many steps is in the rows alone.
  await driver.cancel(runId, { id: 'p', name: 'P' })
  expect(await events.after(runId, length, 1000)).toHaveLength(3)
  await world.db.kysely().deleteFrom('run_event').where('run_id', '=', runId).execute()
  expect(await events.after(runId, length, 1000)).toEqual([])
})
