// Groups of runs and locks of steps: one has its turn, the next gets it with the end of the one before, whoever sees to it and dies.
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { ConcurrencyQueue, PipelineGraphSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { RunOriginSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { reasonText } from '@ansflow/proto/reasons'
import { isTerminal, RunStatus, StepStatus } from '@ansflow/proto/status'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { waitFor } from '../../../test/wait-for.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { createLog } from '../../platform/log.ts'
import { jobsWithAgents, type RunDriver, type RunStart, runningByShare } from '../runs/index.ts'
import { queuedJobs } from '../runs/test/queued-jobs.ts'
import { openRuns, type RunsWorld } from '../runs/test/runs-world.ts'
import { locksFeature } from './feature.ts'
import { lockParticipant } from './lock-participant.ts'
import type { LockTables } from './lock-tables.ts'
import { tellRuns, tellUntold } from './tell-runs.ts'

type Init = Exclude<MessageInitShape<typeof PipelineGraphSchema>, { $typeName: string }>
type Graph = Pick<Init, 'concurrency' | 'steps' | 'timeoutMs'>
const log = createLog('silent')

let world: RunsWorld
/** Of jobs, by project; and the organizations in which such a project has had jobs that ended. */
let limited = new Map<string, number>()
let freed: string[] = []
/** One that tells of turns, and one that dies before it does. */
let alive: RunDriver
let dying: RunDriver
beforeEach(async () => {
  limited = new Map()
  freed = []
  world = await openRuns('silent', locksFeature.entities)
  alive = controller()
  dying = controller(false)
})
afterEach(() => world[Symbol.asyncDispose]())

function controller(tells = true): RunDriver {
  const tell = lockParticipant({
    db: world.db,
    limits: () => limited,
    tell: (notices) => void (tells && tellRuns({ driver, log }, notices)),
    freed: (organizationId) => freed.push(organizationId),
  })
  const driver = world.newDriver({ participants: () => [tell] })
  return driver
}

const untold = () => tellUntold({ db: world.db, log, driver: alive })

async function start(graph: Graph, over: Partial<RunStart> = {}, driver = alive): Promise<string> {
  const start = world.startOf(graph.steps ?? [{ id: 'a' }], over)
  const whole = create(PipelineGraphSchema, { name: 'test', ...graph, steps: start.graph.steps } as Init)
  return (await driver.start({ ...start, graph: whole })).id
}

const group = (over: Graph['concurrency'] = {}): Graph => ({ concurrency: { group: 'g', limit: 1, ...over } })

async function status(runId: string): Promise<string> {
  return RunStatus[(await world.load(runId))!.state.status]!.toLowerCase()
}
async function reason(runId: string): Promise<string> {
  const why = (await world.load(runId))!.state.reason
  return why ? reasonText(why) : ''
}
const becomes = (runId: string, wanted: string) => waitFor(async () => (await status(runId)) === wanted)
const says = (runId: string, wanted: string) => waitFor(async () => (await reason(runId)) === wanted)

async function claims(): Promise<number> {
  return (await world.db.kysely<LockTables>().selectFrom('lock_claim').select('place').execute()).length
}

describe('a group of runs', () => {
  test('has one that goes on; the others begin in their order, say behind whom they wait, and leave nothing', async () => {
    const other = { pipelineId: uuidv7(), pipelineName: 'other' }
    const first = await start(group())
    const second = await start(group(), other)
    const third = await start(group())
    const elsewhere = await start(group({ group: 'h' }))
    const foreign = await start(group(), { projectId: uuidv7() })
    await Promise.all([first, elsewhere, foreign].map((id) => becomes(id, 'queued')))
    await says(second, 'Waits for run #1 of test (group g).')
    await says(third, 'Waits for run #1 of other, which waits as well (group g).')
    expect((await world.load(third))!.state.reason?.params['run']).toBe(second)
    expect(await world.statuses(second)).toBe('a:blocked')
    expect((await world.load(second))!.state.steps.get('a')?.reason?.code).toBe('run_waits')
    const waiting = (await queuedJobs(world.db, 10)).map(({ runId }) => runId)
    expect(new Set(waiting)).toEqual(new Set([first, elsewhere, foreign]))

    await world.finish(first, alive)
    await becomes(second, 'queued')
    await says(third, 'Waits for run #1 of other (group g).')
    await alive.cancel(second, { id: uuidv7(), name: 'Ada' })
    await becomes(third, 'queued')
    for (const id of [third, elsewhere, foreign]) await world.finish(id, alive)
    expect(await claims()).toBe(0)
  })

  test('lets as many go on as it says, and is the pipeline itself where it has no name', async () => {
    const two: Graph = { concurrency: { limit: 2 } }
    const ids = [await start(two), await start(two), await start(two), await start(two)]
    const apart = await start(two, { pipelineId: uuidv7() })
    await Promise.all([ids[0]!, ids[1]!, apart].map((id) => becomes(id, 'queued')))
    await says(ids[2]!, 'Waits for run #2 of test.')
    await world.finish(ids[1]!, alive)
    await becomes(ids[2]!, 'queued')
    expect(await status(ids[3]!)).toBe('waiting')
    await world.finish(ids[0]!, alive)
    await becomes(ids[3]!, 'queued')
  })

  test('keeps only the newest of those that wait', async () => {
    const newest = group({ queue: ConcurrencyQueue.NEWEST })
    const first = await start(newest)
    await becomes(first, 'queued')
    const second = await start(newest)
    const third = await start(newest)
    await becomes(second, 'canceled')
    expect(await reason(second)).toBe('Run #3 of test takes its place in the group g.')
    expect(await world.statuses(second)).toBe('a:canceled')
    await says(third, 'Waits for run #1 of test (group g).')
    await world.finish(first, alive)
    await becomes(third, 'queued')
  })

  test('cancels what goes on, and begins when that has ended, its cleanup included', async () => {
    const steps = [{ id: 'a' }, { id: 'tidy', needs: [{ stepId: 'a' }], when: 'always()' }]
    const graph = { ...group({ cancelInProgress: true }), steps }
    const first = await start(graph)
    await becomes(first, 'queued')
    const job = await world.claim((await queuedJobs(world.db, 1))[0]!.jobId, undefined, alive)
    await alive.submit(first, { type: 'jobStarted', jobId: job!.jobId, epoch: job!.epoch })
    const second = await start(graph)
    await says(first, 'Run #2 of test takes its place in the group g.')
    await says(second, 'Waits for run #1 of test (group g).')
    await world.report(job!, Outcome.CANCELED, alive)
    expect(await status(second)).toBe('waiting')
    await world.finish(first, alive)
    expect([await status(first), await reason(first)]).toEqual([
      'canceled',
      'Run #2 of test takes its place in the group g.',
    ])
    expect(await world.statuses(first)).toBe('a:canceled tidy:succeeded')
    await becomes(second, 'queued')
  })

  test('is left by who is canceled while it waits, or waits longer than its timeout', async () => {
    const always = { ...group(), steps: [{ id: 'a', when: 'always()' }] }
    const first = await start(group())
    const second = await start({ ...always, timeoutMs: 5000 })
    const third = await start(always)
    await says(third, 'Waits for run #2 of test, which waits as well (group g).')
    await world.clock.advance(5000)
    await becomes(second, 'failed')
    expect((await world.load(second))!.state.reason?.code).toBe('run_timeout')
    expect(await world.statuses(second)).toBe('a:canceled')
    await says(third, 'Waits for run #1 of test (group g).')
    await alive.cancel(third, { id: uuidv7(), name: 'Ada' })
    expect([await status(third), await world.statuses(third)]).toEqual(['canceled', 'a:canceled'])
    await world.finish(first, alive)
    expect(await claims()).toBe(0)
  })

  test('is named by what the run begins with; a name that cannot be made fails it, none lets it begin', async () => {
    const of = (text: string) => group({ group: text })
    const main = await start(of('deploy-${{ inputs.to }}'), { inputs: { to: 'main' } })
    const same = await start(of('${{ "deploy-" + inputs.to }}'), { inputs: { to: 'main' } })
    const other = await start(of('deploy-${{ inputs.to }}'), { inputs: { to: 'next' } })
    const free = await start(of('${{ inputs.to }}'), { inputs: { to: '' } })
    await Promise.all([main, other, free].map((id) => becomes(id, 'queued')))
    await says(same, 'Waits for run #1 of test (group deploy-main).')
    const wrong = await start(of('${{ inputs.to }}'), { inputs: { to: 'a\nb' } })
    expect([await status(wrong), await world.statuses(wrong)]).toEqual(['failed', 'a:canceled'])
    expect(await reason(wrong)).toContain('group')
  })

  test('is handed on when the controller of the one before dies right behind its end, or that of the next', async () => {
    const first = await start(group(), {}, dying)
    expect(await status(first)).toBe('waiting')
    await untold()
    await becomes(first, 'queued')
    const second = await start(group(), {}, dying)
    const third = await start(group(), {}, dying)
    await world.finish(first, dying)
    expect([await status(second), await status(third)]).toEqual(['waiting', 'waiting'])
    await untold()
    await becomes(second, 'queued')
    expect(await reason(third)).toBe('Waits for run #2 of test (group g).')
    // What was told is not told again.
    const { revision } = (await world.load(third))!
    await untold()
    expect((await world.load(third))!.revision).toBe(revision)
  })

  test('refuses a run that would wait for the one that waits for it', async () => {
    const parent = await start(group({ limit: 2 }))
    await becomes(parent, 'queued')
    const value = { runId: parent, number: 1, pipelineName: 'test', stepId: 'a', chain: ['test #1'] }
    const of = (awaitedBy: string[]) =>
      create(RunOriginSchema, { cause: { case: 'run', value: { ...value, awaitedBy } } })
    const child = await start(group(), { origin: of([parent]) })
    await becomes(child, 'failed')
    expect(await reason(child)).toBe('It would wait for run #1 of test, which waits for it: both are in the group g.')
    const unawaited = await start(group(), { origin: of([]) })
    await says(unawaited, 'Waits for run #1 of test (group g).')
    const apart = await start(group({ group: 'h' }), { origin: of([parent]) })
    await becomes(apart, 'queued')
    for (const id of [parent, unawaited, apart]) {
      await becomes(id, 'queued')
      await world.finish(id, alive)
    }
    expect(await claims()).toBe(0)
  })

  test('has one at a time, however many start and end on two controllers', async () => {
    const pair = [alive, controller()]
    const ids = await Promise.all(Array.from({ length: 12 }, (_, n) => start(group(), {}, pair[n % 2]!)))
    for (let left = ids.length; left > 0; left--) {
      const going = await waitFor(async () => {
        const found = (await Promise.all(ids.map(async (id) => ({ id, now: await status(id) })))).filter(
          ({ now }) => now !== 'waiting' && now !== 'succeeded',
        )
        return found.length > 0 ? found : undefined
      })
      expect(going.map(({ now }) => now)).toEqual(['queued'])
      await world.finish(going[0]!.id, pair[left % 2]!)
    }
    expect(await claims()).toBe(0)
  })
})

const locking = (...locks: string[]): Graph => ({ steps: [{ id: 'a', locks }] })

async function stepOf(runId: string) {
  const step = (await world.load(runId))!.state.steps.get('a')!
  return { status: step.status, why: step.reason ? reasonText(step.reason) : '' }
}

describe('locks of steps', () => {
  test('are held by one step of the project until its attempt has ended, and say who holds them', async () => {
    const other = { pipelineId: uuidv7(), pipelineName: 'other' }
    const first = await start(locking('db'))
    const second = await start(locking('db', 'web'), other)
    const third = await start(locking('web'))
    await becomes(first, 'queued')
    await waitFor(async () => (await stepOf(first)).status === StepStatus.QUEUED)
    const waits = (id: string, why: string) => waitFor(async () => (await stepOf(id)).why === why)
    await waits(second, 'Waits for lock db: held by step a of run #1 of test.')
    await waits(third, 'Waits for lock web: next is step a of run #1 of other, which waits as well.')
    expect((await stepOf(third)).status).toBe(StepStatus.WAITING)
    await world.finish(first, alive)
    await waitFor(async () => (await stepOf(second)).status === StepStatus.QUEUED)
    await waits(third, 'Waits for lock web: held by step a of run #1 of other.')
    const { jobId } = (await queuedJobs(world.db, 1))[0]!
    const job = await world.claim(jobId, undefined, alive)
    await alive.submit(second, { type: 'jobLost', jobId, epoch: job!.epoch })
    await waitFor(async () => (await stepOf(third)).status === StepStatus.QUEUED)
    await world.finish(third, alive)
    expect(await claims()).toBe(0)
  })

  test('are free while a step waits for its retry, which asks anew', async () => {
    const retry = { max: 1, delayMs: 60_000 }
    const first = await start({ steps: [{ id: 'a', locks: ['db'], retry }] })
    await waitFor(async () => (await stepOf(first)).status === StepStatus.QUEUED)
    const second = await start(locking('db'))
    const job = await world.claim((await queuedJobs(world.db, 1))[0]!.jobId, undefined, alive)
    await world.report(job!, Outcome.FAILED, alive)
    await waitFor(async () => (await stepOf(second)).status === StepStatus.QUEUED)
    await world.clock.advance(60_000)
    await waitFor(async () => (await stepOf(first)).why === 'Waits for lock db: held by step a of run #2 of test.')
    await world.finish(second, alive)
    await waitFor(async () => (await stepOf(first)).status === StepStatus.QUEUED)
    await world.finish(first, alive)
    expect(await status(first)).toBe('succeeded')
  })

  test('are asked for by hundreds of steps at once, in their order, and given back by all of them at once', async () => {
    const many = Array.from({ length: 400 }, (_, n) => ({ id: `s${n}`, locks: ['one'] }))
    const id = await start({ steps: many })
    const first = async () => (await queuedJobs(world.db, 10)).filter(({ runId }) => runId === id)
    await waitFor(async () => (await first()).length === 1)
    const last = () => world.load(id).then((run) => run!.state.steps.get('s399')!.reason!)
    await waitFor(async () => (await last()).params['holder'] === 's398')
    for (let n = 0; n < 5; n++) {
      const [next] = await waitFor(async () => ((await first()).length === 1 ? first() : undefined))
      const job = await world.claim(next!.jobId, undefined, alive)
      expect(job?.spec.stepId).toBe(`s${n}`)
      await world.report(job!, Outcome.SUCCEEDED, alive)
    }
    await alive.cancel(id, { id: uuidv7(), name: 'Ada' })
    await becomes(id, 'canceled')
    expect(await claims()).toBe(0)
  })

  test('with a limit are held by as many at once; each step goes by its own', async () => {
    const gpu = (limit: number) => ({ steps: [{ id: 'a', limitedLocks: [{ name: 'gpu', limit }] }] })
    const [first, second, third] = [await start(gpu(2)), await start(gpu(2)), await start(gpu(2))]
    const alone = await start(locking('gpu'))
    const loose = await start(gpu(5))
    const held = (id: string) => waitFor(async () => (await stepOf(id)).status === StepStatus.QUEUED)
    await Promise.all([first, second, loose].map(held))
    await waitFor(async () => (await stepOf(third)).why === 'Waits for lock gpu: held by step a of run #2 of test.')
    await waitFor(
      async () =>
        (await stepOf(alone)).why === 'Waits for lock gpu: next is step a of run #3 of test, which waits as well.',
    )
    await world.finish(second, alive)
    await held(third)
    for (const id of [first, third]) {
      expect((await stepOf(alone)).status).toBe(StepStatus.WAITING)
      await world.finish(id, alive)
    }
    await held(alone)
    for (const id of [alone, loose]) await world.finish(id, alive)
    expect(await claims()).toBe(0)
  })

  test('are never held by more than may, and all get them, in whatever order they are named, on two controllers', async () => {
    const pair = [alive, controller()]
    const sets = [['x', 'y'], ['y', 'x'], ['x'], ['y', 'z'], ['z', 'x'], ['x', 'y', 'z']]
    const runs = await Promise.all(
      Array.from({ length: 18 }, async (_, n) => {
        const locks = sets[n % sets.length]!
        const shared = n % 3 > 0
        const limitedLocks = [...locks.map((name) => ({ name })), ...(shared ? [{ name: 'gpu', limit: 2 }] : [])]
        return { id: await start({ steps: [{ id: 'a', limitedLocks }] }, {}, pair[n % 2]!), locks, shared }
      }),
    )
    for (let ended = 0; ended < runs.length; ) {
      const open = await waitFor(async () => {
        const found = await Promise.all(runs.map(async (run) => ({ ...run, step: await stepOf(run.id) })))
        const holding = found.filter(({ step }) => step.status === StepStatus.QUEUED)
        return holding.length > 0 ? holding : undefined
      })
      const held = open.flatMap(({ locks }) => locks)
      expect(new Set(held).size).toBe(held.length)
      expect(open.filter(({ shared }) => shared).length).toBeLessThanOrEqual(2)
      for (const { id } of open) {
        await world.finish(id, pair[ended % 2]!)
        ended++
      }
    }
    expect(await claims()).toBe(0)
    expect(
      (await Promise.all(runs.map(({ id }) => world.load(id)))).every((run) => isTerminal(run!.state.status)),
    ).toBe(true)
  })
})

describe('a limit of jobs', () => {
  test('holds on two controllers that send jobs at the same time, and what ends is told to others', async () => {
    const pair = [alive, controller()]
    const organizationId = uuidv7()
    const steps = Array.from({ length: 6 }, (_, n) => ({ id: `s${n}`, workspace: 'isolated' }))
    const ids = [await start({ steps }, { organizationId }), await start({ steps }, { organizationId }, pair[1]!)]
    const { projectId } = world.startOf(steps)
    limited.set(projectId, 3)
    for (let ended = 0; ended < 12; ) {
      // Each sends as many as may run, and does not know of the other.
      const waiting = (await queuedJobs(world.db, 6)).map(({ jobId }) => jobId)
      const claims = await Promise.all(
        waiting.map((jobId, n) => world.claim(jobId, `agent ${n}`, pair[Math.floor(n / 3)])),
      )
      const got = claims.filter((job) => job !== null)
      const held = await jobsWithAgents(world.db.kysely(), { organizationId, projectId, untrusted: false })
      expect(held).toBe(got.length)
      expect(held).toBeLessThanOrEqual(3)
      freed = []
      for (const job of got) await world.report(job, Outcome.SUCCEEDED, pair[ended++ % 2]!)
      expect(freed.length).toBe(got.length)
    }
    for (const id of ids) expect(await status(id)).toBe('succeeded')
  })

  test('is one for strangers and one for all others, also where nobody looked before', async () => {
    const steps = Array.from({ length: 2 }, (_, n) => ({ id: `s${n}`, workspace: 'isolated' }))
    limited.set(world.startOf(steps).projectId, 1)
    const untrusted = create(RunOriginSchema, { untrusted: true })
    const theirs = await start({ steps }, { origin: untrusted })
    const [first, second] = await queuedJobs(world.db, 2)
    expect(await world.claim(first!.jobId, 'agent', alive)).toMatchObject({ runId: theirs })
    expect(await world.claim(second!.jobId, 'agent', alive)).toBeNull()
    const ours = await start({ steps })
    const [third, fourth] = (await queuedJobs(world.db, 9)).filter(({ runId }) => runId === ours)
    expect(await world.claim(third!.jobId, 'agent', alive)).toMatchObject({ runId: ours })
    expect(await world.claim(fourth!.jobId, 'agent', alive)).toBeNull()
    const counts = await runningByShare(world.db)
    expect([...counts.values()]).toEqual([1, 1])
  })
})
