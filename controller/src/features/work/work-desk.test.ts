// Two controllers at one table of work: each piece is done by one of them, and when that one is not heard of any more by the other.
import { reason } from '@ansflow/proto/reasons'
import { expect, test } from 'vitest'
import { waitFor } from '../../../test/wait-for.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { createLog } from '../../platform/log.ts'
import type { RunsWorld } from '../runs/test/runs-world.ts'
import { openRuns } from '../runs/test/runs-world.ts'
import type { Performed, Performer } from './performer.ts'
import { createWorkDesk } from './work-desk.ts'

const ask = (id: string) => ({ id, uses: 'http_request', with: { url: 'https://example.org/' } })

function deskOf(
  world: RunsWorld,
  perform: Performer,
  lines: string[] = [],
  ended: (job: { jobId: string }) => void = () => undefined,
  opening: () => void = () => undefined,
) {
  return createWorkDesk({
    db: world.db,
    clock: world.clock,
    log: createLog('silent'),
    driver: world.newDriver(),
    secrets: { read: async () => new Map() },
    outbound: {
      request: () => Promise.reject(new Error('nobody is asked')),
      addresses: () => Promise.reject(new Error('nobody is asked')),
    },
    performers: { http_request: perform },
    openLog: async (job) => {
      opening()
      return { line: (text) => void lines.push(text), end: async () => ended(job) }
    },
  })
}

const succeed: Performer = async () => ({ outputs: { status: '200' } })

test('every piece of work is done once, whoever takes it', async () => {
  await using world = await openRuns()
  const done: string[] = []
  const perform: Performer = async ({ key }) => {
    done.push(key)
    return { outputs: {} }
  }
  const desks = [deskOf(world, perform), deskOf(world, perform)]
  const runId = await world.start(Array.from({ length: 40 }, (_, i) => ask(`s${i}`)))
  await waitFor(async () => {
    await Promise.all(desks.map((desk) => desk.take()))
    return !(await world.statuses(runId)).match(/queued|running/)
  })
  expect(new Set(done).size).toBe(40)
  expect(done).toHaveLength(40)
  expect(await world.db.kysely().selectFrom('work').selectAll().execute()).toEqual([])
  for (const desk of desks) await desk.stop()
})

test('a controller that is not heard of loses its work to another, and its late answer does not count', async () => {
  await using world = await openRuns()
  let late: (performed: Performed) => void = () => undefined
  const silent = deskOf(world, () => new Promise((resolve) => (late = resolve)))
  const runId = await world.start([ask('ask'), { id: 'after', needs: [{ stepId: 'ask' }] }])
  await silent.take()
  await waitFor(async () => (await world.statuses(runId)) === 'ask:running after:blocked')
  const next = deskOf(world, succeed)
  await next.take()
  expect(await world.statuses(runId)).toBe('ask:running after:blocked')
  const past = world.db.toColumn(new Date(0))
  await world.db.kysely().updateTable('work').set({ leased_until: past }).execute()
  await next.take()
  await waitFor(async () => (await world.statuses(runId)) === 'ask:succeeded after:queued')
  late({ why: reason('request_failed', { message: 'late' }) })
  await silent.stop()
  expect(await world.statuses(runId)).toBe('ask:succeeded after:queued')
  const [job] = (await world.load(runId))!.state.steps.get('ask')!.attempts
  expect(job).toMatchObject({ attempt: 1, epoch: 2 })
  await next.stop()
})

test('who has lost the lease is told to end', async () => {
  await using world = await openRuns()
  let ended = false
  const desk = deskOf(
    world,
    ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          ended = true
          reject(new Error('ended'))
        })
      }),
  )
  const runId = await world.start([ask('ask')])
  await desk.take()
  await waitFor(async () => (await world.statuses(runId)) === 'ask:running')
  world.clock.advance(10_000)
  await waitFor(async () => {
    const [row] = await world.db.kysely<{ work: { leased_until: unknown } }>().selectFrom('work').selectAll().execute()
    return row?.leased_until
  })
  expect(ended).toBe(false)
  await world.driver.cancel(runId, { id: 'p', name: 'P' })
  // Nobody told it: its lease does.
  await waitFor(() => {
    world.clock.advance(10_000)
    return ended
  })
  await desk.stop()
})

test('work that a controller cannot do, or that breaks, fails the step with the reason', async () => {
  await using world = await openRuns()
  const desk = deskOf(world, () => Promise.reject(new Error('broken')))
  const runId = await world.start([ask('ask')])
  await desk.take()
  await waitFor(async () => (await world.statuses(runId)) === 'ask:failed')
  expect((await world.load(runId))!.state.steps.get('ask')!.reason).toEqual(
    reason('work_failed', { message: 'broken' }),
  )
  await desk.stop()
})

test('work that is taken back after everybody who had it went down has its log ended by whoever comes', async () => {
  await using world = await openRuns()
  const lost = deskOf(world, () => new Promise(() => undefined))
  const runId = await world.start([
    ask('ask'),
    { id: 'never', uses: 'http_request', with: { url: 'https://example.org/' } },
  ])
  await lost.take()
  await waitFor(async () => (await world.statuses(runId)) === 'ask:running never:running')
  await world.driver.cancel(runId, { id: 'p', name: 'P' })
  expect(await world.statuses(runId)).toBe('ask:canceled never:canceled')
  const left = () => world.db.kysely<{ work: { job_id: string } }>().selectFrom('work').select('job_id').execute()
  expect(await left()).toHaveLength(2)
  await world.db
    .kysely()
    .updateTable('work')
    .set({ leased_until: world.db.toColumn(new Date(0)) })
    .execute()
  const closed: string[] = []
  const next = deskOf(
    world,
    () => Promise.reject(new Error('asked again')),
    [],
    ({ jobId }) => closed.push(jobId),
  )
  await waitFor(async () => {
    await next.take()
    return (await left()).length === 0
  })
  const jobs = (await world.load(runId))!.state.jobs
  expect(closed.sort()).toEqual([...jobs.keys()].sort())
  await next.stop()
})

test('a project whose work hangs does not keep the work of others waiting', async () => {
  await using world = await openRuns()
  const hangs = world.startOf(Array.from({ length: 200 }, (_, i) => ask(`s${i}`)))
  const desk = deskOf(world, ({ signal, request }) =>
    request['method'] === 'GET'
      ? Promise.resolve({ outputs: {} })
      : new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('ended')))),
  )
  const hanging = hangs.graph.steps.map((step) => ({ ...step, with: { url: 'https://example.org/', method: 'POST' } }))
  await world.driver.start({ ...hangs, graph: { ...hangs.graph, steps: hanging } })
  const { id } = await world.driver.start(world.startOf([ask('ask')], { projectId: uuidv7() }))
  await desk.take()
  await waitFor(async () => (await world.statuses(id)) === 'ask:succeeded')
  await desk.stop()
})

test('work that cannot even be begun is tried once a look', async () => {
  await using world = await openRuns('silent')
  let tries = 0
  const desk = deskOf(
    world,
    succeed,
    [],
    () => undefined,
    () => {
      tries++
      throw new Error('the log cannot be opened')
    },
  )
  await world.start([ask('ask')])
  const free = async () => {
    const rows = await world.db.kysely<{ work: { leased_until: unknown } }>().selectFrom('work').selectAll().execute()
    return rows.length === 1 && rows[0]?.leased_until === null
  }
  for (const look of [1, 2]) {
    await desk.take()
    await waitFor(async () => tries === look && (await free()))
    // Time enough for one more, were it taken at once.
    for (let turn = 0; turn < 50; turn++) await free()
    expect(tries).toBe(look)
  }
  await desk.stop()
})
