// Schedules of published pipelines: when they start runs, what they start, and that each moment starts one, whoever tries it.

import { Role } from '@ansflow/proto/access'
import { unavailable } from '@ansflow/proto/errors'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { type Run, RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { ScheduleService } from '@ansflow/proto/gen/ansflow/v1/schedules_pb'
import { timestampDate } from '@bufbuild/protobuf/wkt'
import { afterEach, expect, test } from 'vitest'
import { startController, type TestController } from '../../../test/start-controller.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { type ManualClock, manualClock } from '../../platform/clock.ts'
import { createLog } from '../../platform/log.ts'
import { createRunDriver } from '../runs/index.ts'
import { startDue } from './start-due.ts'

const minute = 60_000
const hour = 60 * minute

let c: TestController
let clock: ManualClock
afterEach(() => c[Symbol.asyncDispose]())

async function open(at = '2030-01-01T00:30:00Z') {
  clock = manualClock(new Date(at))
  c = await startController({ file: true, overrides: { clock } })
  const projectId = await c.addProject()
  const owner = c.as(c.owner)
  const pipelines = owner.client(PipelineService)
  const schedules = owner.client(ScheduleService)
  const publish = async (on: string, more = '') => {
    const yaml = `name: x\n${more}on: ${on}\nsteps: { a: { run: "true" } }\n`
    const { pipeline, problems } = await pipelines.applyPipeline({ projectId, yaml, publish: true })
    expect(problems).toEqual([])
    return pipeline!.id
  }
  const runs = async (pipelineId: string) =>
    (await owner.client(RunService).listRuns({ pipelineId })).runs.toSorted((a, b) => a.number - b.number)
  const list = async (pipelineId: string) => (await schedules.listSchedules({ pipelineId })).schedules
  return { projectId, publish, pipelines, schedules, runs, list, owner }
}

type World = Awaited<ReturnType<typeof open>>

const times = (list: Parameters<typeof timestampDate>[0][]) => list.map((at) => timestampDate(at).toISOString())

/** The runs once there are so many, and the moment behind them is known. */
async function started(world: World, pipelineId: string, count: number): Promise<Run[]> {
  return waitFor(async () => {
    // To the loop's next look.
    await clock.advance(1000)
    const runs = await world.runs(pipelineId)
    const [schedule] = await world.list(pipelineId)
    return runs.length === count && schedule?.last?.runId === runs.at(-1)?.id ? runs : undefined
  })
}

function deps(driver = createRunDriver({ db: c.db, bus: c.bus, clock, log: createLog('silent') })) {
  return { db: c.db, clock, log: createLog('silent'), workers: c.controller.workers, driver }
}

test('a schedule starts a run of the latest version at its moments, with its inputs', async () => {
  const world = await open()
  const on = '{ schedule: [{ cron: "0 3 * * *", timezone: Asia/Shanghai, name: nightly, inputs: { level: 2 } }] }'
  const inputs = 'inputs: { level: { type: number }, other: { type: string, default: d } }\n'
  const pipelineId = await world.publish(on, inputs)
  const [schedule] = await world.list(pipelineId)
  expect(schedule).toMatchObject({ name: 'nightly', schedule: { cron: '0 3 * * *', inputs: { level: 2 } } })
  expect(schedule?.ownerName).not.toBe('')
  expect(schedule?.last).toBe(undefined)
  const days = [1, 2, 3, 4, 5].map((day) => `2030-01-0${day}T19:00:00.000Z`)
  expect(times(schedule!.next)).toEqual(days)

  await clock.advance(18 * hour)
  expect(await world.runs(pipelineId)).toEqual([])
  await clock.advance(hour)
  const [run] = await started(world, pipelineId, 1)
  expect(run?.version).toBe(1)
  expect(run?.inputs).toEqual({ level: 2, other: 'd' })
  expect(run?.origin?.cause).toMatchObject({ case: 'schedule', value: { name: 'nightly', scheduleId: schedule?.id } })
  const [after] = await world.list(pipelineId)
  expect(times(after!.next)[0]).toBe(days[1])
  expect(times([after!.last!.dueAt!])).toEqual([days[0]])
})

test('runs by hand are refused or not as the file says; its schedules start all the same', async () => {
  const world = await open()
  const pipelineId = await world.publish('{ schedule: "@hourly", manual: false }')
  const start = world.owner.client(RunService).startRun({ pipelineId })
  await expect(start).rejects.toThrow('manual: false')
  await clock.advance(hour)
  await started(world, pipelineId, 1)
  await world.publish('{ schedule: "@hourly" }')
  await world.owner.client(RunService).startRun({ pipelineId })
})

test('moments at which nobody was there are made up for by one run, or left out', async () => {
  const world = await open()
  const once = await world.publish('{ schedule: "@hourly" }')
  const other = 'name: y\non: { schedule: { cron: "@hourly", catchUp: none } }\nsteps: { a: { run: "true" } }\n'
  const { pipeline } = await world.pipelines.applyPipeline({ projectId: world.projectId, yaml: other, publish: true })
  await c.controller.stop()
  await clock.advance(5 * hour)
  await c.restart()
  await started(world, once, 1)
  await waitFor(async () => {
    await clock.advance(1000)
    return (await world.list(pipeline!.id))[0]?.last
  })
  expect(await world.runs(pipeline!.id)).toEqual([])
  const [left] = await world.list(pipeline!.id)
  expect(left?.last).toMatchObject({ runId: '', problem: '' })
  expect(times(left!.next)[0]).toBe('2030-01-01T06:00:00.000Z')
})

test('a paused schedule starts nothing, also after a new version; then it goes on from that moment', async () => {
  const world = await open()
  const pipelineId = await world.publish('{ schedule: { cron: "@hourly", name: often } }')
  const pause = (paused: boolean) => world.schedules.pauseSchedule({ pipelineId, name: 'often', paused })
  const { schedule } = await pause(true)
  expect(schedule?.pause?.byName).not.toBe('')
  expect(schedule?.next).toEqual([])
  await clock.advance(2 * hour)
  await world.publish('{ schedule: { cron: "*/30 * * * *", name: often } }')
  await clock.advance(2 * hour)
  expect((await world.list(pipelineId))[0]).toMatchObject({ pause: {}, next: [], schedule: { cron: '*/30 * * * *' } })
  expect(await world.runs(pipelineId)).toEqual([])
  await pause(false)
  expect(times((await world.list(pipelineId))[0]!.next)[0]).toBe('2030-01-01T05:00:00.000Z')
  await clock.advance(31 * minute)
  await started(world, pipelineId, 1)
  await expect(world.schedules.pauseSchedule({ pipelineId, name: 'no', paused: true })).rejects.toThrow('not_found')
})

test('a new version that keeps a schedule keeps its next moment; one without it ends it', async () => {
  const world = await open('2030-01-01T00:59:30Z')
  const pipelineId = await world.publish('{ schedule: ["@hourly", "@daily"] }')
  const before = await world.list(pipelineId)
  await world.publish('{ schedule: ["@daily", "@hourly"] }', 'description: other\n')
  const after = await world.list(pipelineId)
  expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id).reverse())
  await world.publish('{ schedule: "@daily" }')
  expect((await world.list(pipelineId)).map(({ name }) => name)).toEqual(['@daily'])
  await clock.advance(hour)
  expect(await world.runs(pipelineId)).toEqual([])
})

test('many controllers that look at the same moment start one run, and go on to the next', async () => {
  const world = await open()
  const pipelineId = await world.publish('{ schedule: "@hourly" }')
  await c.controller.stop()
  await clock.advance(hour)
  await c.restart()
  const many = [1, 2, 3, 4].map(() => deps())
  for (let round = 0; round < 3; round++) await Promise.all(many.map((each) => startDue(each)))
  const runs = await started(world, pipelineId, 1)
  expect(runs).toHaveLength(1)
  for (const { driver } of many) await driver.stop()
})

test.each(['before', 'after'])(
  'a controller that goes down %s its run was begun loses and doubles nothing',
  async (when) => {
    const world = await open()
    const pipelineId = await world.publish('{ schedule: "@hourly" }')
    // The controller's own loop would be quicker.
    await c.controller.stop()
    await clock.advance(hour)
    await c.restart()
    const { driver, ...rest } = deps()
    let dying = true
    const whoDies: typeof driver = {
      ...driver,
      async start(run) {
        const begun = when === 'after' || !dying ? await driver.start(run) : undefined
        if (dying) throw unavailable('The controller went down.')
        return begun!
      },
    }
    await startDue({ ...rest, driver: whoDies })
    expect(await world.runs(pipelineId)).toHaveLength(when === 'after' ? 1 : 0)
    dying = false
    await started(world, pipelineId, 1)
    await startDue({ ...rest, driver: whoDies })
    expect(await world.runs(pipelineId)).toHaveLength(1)
    await driver.stop()
  },
)

test('schedules whose runs cannot be started for now, however many, keep no other waiting', async () => {
  const world = await open()
  const many = Array.from({ length: 50 }, (_, n) => `{ cron: "@hourly", name: s${n} }`)
  const stuck = await world.publish(`{ schedule: [${many.join(', ')}] }`)
  const other = 'name: y\non: { schedule: "@hourly" }\nsteps: { a: { run: "true" } }\n'
  const { pipeline } = await world.pipelines.applyPipeline({ projectId: world.projectId, yaml: other, publish: true })
  await c.controller.stop()
  await clock.advance(hour)
  await c.restart()
  const { driver, ...rest } = deps()
  const refusing: typeof driver = {
    ...driver,
    start: (run) => (run.pipelineId === stuck ? Promise.reject(unavailable('not now')) : driver.start(run)),
  }
  await startDue({ ...rest, driver: refusing })
  expect(await world.runs(pipeline!.id)).toHaveLength(1)
  expect(await world.runs(stuck)).toHaveLength(0)
  await driver.stop()
})

test('a pipeline that is deleted has no schedules any more', async () => {
  const world = await open()
  const pipelineId = await world.publish('{ schedule: "@hourly" }')
  await world.pipelines.deletePipeline({ pipelineId })
  expect(await c.db.em().execute('select id from schedule')).toEqual([])
})

test('who may not publish sees schedules and pauses none', async () => {
  const world = await open()
  const pipelineId = await world.publish('{ schedule: { cron: "@hourly", name: often } }')
  const developer = c.as(await c.addUser({ role: Role.VIEWER, projectId: world.projectId })).client(ScheduleService)
  expect((await developer.listSchedules({ pipelineId })).schedules).toHaveLength(1)
  const paused = developer.pauseSchedule({ pipelineId, name: 'often', paused: true })
  await expect(paused).rejects.toThrow('permission')
})
