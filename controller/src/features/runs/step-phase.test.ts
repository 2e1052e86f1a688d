// What a step is up to lives in its row: it survives whoever drives the run, and rows of before phases were written go on.
import { readFileSync } from 'node:fs'
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { RunStatus } from '@ansflow/proto/status'
import { expect, test } from 'vitest'
import { testDatabase } from '../../../test/start-controller.ts'
import { entitiesOf, features } from '../../app.ts'
import { memoryBus } from '../../platform/bus.ts'
import { manualClock } from '../../platform/clock.ts'
import { type Db, openDb } from '../../platform/db.ts'
import { createLog } from '../../platform/log.ts'
import { migrate } from '../../platform/migrate.ts'
import { loadRun } from './driver/load-run.ts'
import { createRunDriver, jobsOfAgent } from './index.ts'
import { findDue } from './jobs/sweep.ts'
import { type RunTables, timesOf } from './run-tables.ts'
import { claimJob } from './test/claim-job.ts'
import { queuedJobs } from './test/queued-jobs.ts'
import { agentA, openRuns } from './test/runs-world.ts'

test('a step that waits for a moment is not stuck, and the next controller ends it', async () => {
  await using world = await openRuns()
  const runId = await world.start([
    { id: 'pause', uses: 'wait', with: { duration: '1h' } },
    { id: 'after', needs: [{ stepId: 'pause' }] },
  ])
  expect(await world.statuses(runId)).toBe('pause:waiting after:blocked')
  await world.driver.stop()
  const next = world.newDriver()
  expect(await findDue(world.db, world.clock.now())).toMatchObject({ events: [], stuck: [] })
  world.clock.advance(3_600_000)
  await next.sweep()
  expect(await world.statuses(runId)).toBe('pause:succeeded after:queued')
  await world.finish(runId, next)
})

test('by its own timer, without a sweep', async () => {
  await using world = await openRuns()
  const runId = await world.start([{ id: 'pause', uses: 'wait', with: { until: '2030-01-01T00:00:10Z' } }])
  world.clock.advance(10_000)
  // Joins the timer's commit or comes after it.
  await world.driver.submit(runId, { type: 'timer' })
  expect(await world.statuses(runId)).toBe('pause:succeeded')
})

test('a run that was half done when phases were not yet written goes on, step by step', async () => {
  const log = createLog('error')
  const db = await openDb(testDatabase(), entitiesOf(features))
  try {
    await restoreOld(db)
    const clock = manualClock()
    const bus = memoryBus(log)
    const driver = createRunDriver({ db, bus, clock, log })
    const load = () => loadRun(db.kysely<RunTables>(), timesOf(db), runId)
    const steps = async () => [...(await load())!.state.steps.values()]
    const [{ run_id: runId }] = (await db.kysely<RunTables>().selectFrom('run_step').select('run_id').execute()) as [
      { run_id: string },
    ]
    expect((await steps()).map(({ definition, phase }) => [definition.id, phase])).toEqual([
      ['done', 'ended'],
      ['retried', 'delayed'],
      ['running', 'job'],
      ['queued', 'job'],
      ['last', 'blocked'],
    ])
    expect((await findDue(db, clock.now())).stuck).toEqual([])
    const [running] = await jobsOfAgent(db, agentA)
    const { jobId, epoch } = running!
    await driver.submit(runId, { type: 'jobFinished', jobId, epoch, outcome: Outcome.SUCCEEDED, exitCode: 0 })
    clock.advance(60_000)
    await driver.sweep()
    while (true) {
      const waiting = await queuedJobs(db, 10)
      if (waiting.length === 0) break
      for (const each of waiting) {
        const job = (await claimJob({ db, driver }, each.jobId, agentA))!
        const id = { jobId: job.jobId, epoch: job.epoch }
        await driver.submit(runId, { type: 'jobFinished', ...id, outcome: Outcome.SUCCEEDED, exitCode: 0 })
      }
    }
    expect((await load())?.state.status).toBe(RunStatus.SUCCEEDED)
    expect((await steps()).map(({ attempts }) => attempts.length)).toEqual([1, 2, 1, 1, 1])
    await driver.stop()
    await bus.close()
  } finally {
    if (db.dialect === 'mysql') await db.orm.schema.dropDatabase()
    await db.close()
  }
})

/** Tables and rows as they were before the migration that added phases. */
async function restoreOld(db: Db): Promise<void> {
  const names = (await db.orm.migrator.getPending()).map(({ name }) => name)
  const before = names[names.findIndex((name) => name.includes('step-phase')) - 1]!
  await db.orm.migrator.up({ to: before })
  const rows = JSON.parse(readFileSync(new URL('test/half-a-run.json', import.meta.url), 'utf8')) as Record<
    string,
    Record<string, Stored>[]
  >
  for (const [table, all] of Object.entries(rows)) {
    for (const row of all) {
      const values = Object.entries(row).map(([column, value]) => [column, columnOf(db, column, value)])
      await db.kysely().insertInto(table).values(Object.fromEntries(values)).execute()
    }
  }
  await migrate(db)
}

type Stored = string | number | null | { base64: string }

function columnOf(db: Db, column: string, value: Stored): unknown {
  if (value !== null && typeof value === 'object') return Buffer.from(value.base64, 'base64')
  return typeof value === 'string' && /_at$|^deadline$/.test(column) ? db.toColumn(new Date(value)) : value
}
