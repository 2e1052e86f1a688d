import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { OnLost } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { RunOriginSchema, RunStatus, type RunStep, RunStepSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { atOnce } from '@ansflow/proto/pieces'
import { create, toJson } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { picture } from '../../../../../engine/test/world.ts'
import { uuidv7 } from '../../../platform/ids.ts'
import { runEventsAfter } from '../events/run-events.ts'
import { jobById, jobsOfAgent } from '../index.ts'
import { queuedJobs } from '../test/queued-jobs.ts'
import { agentA, agentB, openRuns } from '../test/runs-world.ts'
import { presentRun } from '../views/present-run.ts'

const need = (stepId: string) => ({ stepId })

test('a run goes from its first job to its end, and its events fold to what it is', async () => {
  await using world = await openRuns()
  const runId = await world.start([
    { id: 'a' },
    { id: 'b', needs: [need('a')] },
    { id: 'c', needs: [need('a')] },
    { id: 'd', needs: [need('b'), need('c')], with: { script: `echo \${{ steps.b.outputs.v }}` } },
  ])
  expect(await world.statuses(runId)).toBe('a:queued b:blocked c:blocked d:blocked')
  await world.finish(runId)
  expect(await world.statuses(runId)).toBe('a:succeeded b:succeeded c:succeeded d:succeeded')

  const events = await runEventsAfter(world.db.em(), runId, 0, 1000)
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1))
  const steps = new Map<string, RunStep>()
  for (const event of events) for (const step of event.steps) steps.set(step.id, step)
  const run = (await world.load(runId))!
  const now = atOnce(presentRun(run.state, run.belongs, run.seq))
  expect(events.at(-1)?.run?.status).toBe(RunStatus.SUCCEEDED)
  expect(events.at(-1)?.seq).toBe(run.seq)
  const json = (list: Iterable<RunStep>) => [...list].map((step) => toJson(RunStepSchema, step))
  expect(json(steps.values())).toEqual(json(now.steps))
})

test('what changes very many steps at once is told in several events, each of which is small', async () => {
  await using world = await openRuns()
  const ids = Array.from({ length: 450 }, (_, n) => `s${n}`)
  const runId = await world.start(ids.map((id) => ({ id })))
  const events = await runEventsAfter(world.db.em(), runId, 0, 1000)
  expect(events.map(({ seq, steps }) => [seq, steps.length])).toEqual([
    [1, 200],
    [2, 200],
    [3, 50],
  ])
  expect(events.flatMap(({ steps }) => steps.map(({ id }) => id))).toEqual(ids)
  expect((await world.load(runId))?.seq).toBe(3)
  await world.driver.cancel(runId, { id: 'p', name: 'P' })
  const after = await runEventsAfter(world.db.em(), runId, 3, 1000)
  expect(after.map(({ seq }) => seq)).toEqual(after.map((_, n) => 4 + n))
  expect(after.flatMap(({ steps }) => steps)).toHaveLength(450)
  expect((await world.load(runId))?.seq).toBe(3 + after.length)
})

test('large runs that controllers begin at once have numbers of their own, which their jobs know', async () => {
  await using world = await openRuns()
  const start = world.startOf(Array.from({ length: 250 }, (_, n) => ({ id: `s${n}` })))
  const drivers = [world.driver, world.newDriver()]
  const begun = await Promise.all(drivers.flatMap((driver) => [driver.start(start), driver.start(start)]))
  expect(begun.map(({ number }) => number).sort()).toEqual([1, 2, 3, 4])
  for (const { id, number } of begun) {
    const [job] = (await world.load(id))!.state.jobs.values()
    const { env } = (await world.claim(job!.id))!.spec
    expect(env.find(({ name }) => name === 'CI_PIPELINE_NUMBER')?.value).toBe(String(number))
  }
})

test('numbers count up within a pipeline, one id is one run, also at once', async () => {
  await using world = await openRuns()
  const start = world.startOf([{ id: 'a' }])
  const other = world.newDriver()
  const runId = uuidv7()
  const begun = await Promise.all([
    ...Array.from({ length: 20 }, () => world.driver.start({ ...start, runId })),
    ...Array.from({ length: 20 }, () => other.start({ ...start, runId })),
    ...Array.from({ length: 10 }, () => other.start(start)),
  ])
  expect(new Set(begun.slice(0, 40).map(({ id }) => id))).toEqual(new Set([runId]))
  expect(new Set(begun.slice(40).map(({ number }) => number)).size).toBe(10)
  expect((await queuedJobs(world.db, 100)).length).toBe(11)
})

test('no person is needed: the origin says what started a run, and expressions see it', async () => {
  await using world = await openRuns()
  const git = { repository: 'https://example.org/app.git', branch: 'main', commit: 'a'.repeat(40), pullRequest: 7 }
  const cause = { case: 'webhook', value: { deliveryId: 'd1', name: 'forge', event: 'push' } } as const
  const origin = create(RunOriginSchema, { cause, git })
  const script = 'echo ${{ run.startedBy }} ${{ git.branch }} ${{ git.pullRequest }}'
  const { id } = await world.driver.start(world.startOf([{ id: 'a', with: { script } }], { origin }))
  const { state, belongs, seq } = (await world.load(id))!
  expect(atOnce(presentRun(state, belongs, seq)).origin).toEqual(origin)
  const [job] = state.jobs.values()
  const { spec } = (await world.claim(job!.id))!
  expect(spec.execution).toMatchObject({ case: 'shell', value: { script: 'echo forge main 7' } })
})

test('one of many claims gets the job; the epoch of another is stale', async () => {
  await using world = await openRuns()
  const other = world.newDriver()
  const runId = await world.start([{ id: 'a' }])
  const [queued] = await queuedJobs(world.db, 10)
  const claims = await Promise.all(
    [agentA, agentB, agentA, agentB].map((id, i) => world.claim(queued!.jobId, id, i < 2 ? world.driver : other)),
  )
  expect(claims.filter((claim) => claim !== null).length).toBe(1)
  const job = claims.find((claim) => claim !== null)!
  const id = { jobId: job.jobId, epoch: job.epoch }
  expect(await world.driver.submit(runId, { type: 'jobAccepted', ...id, epoch: job.epoch + 1 })).toBe('stale')
  expect(await world.driver.submit(runId, { type: 'jobAccepted', ...id })).toBe('applied')
  expect(await world.driver.submit(runId, { type: 'jobAccepted', ...id })).toBe('unchanged')
  expect(await jobsOfAgent(world.db, (await jobById(world.db, job.jobId))!.agentId!)).toHaveLength(1)
})

test('a workspace stays with the agent that got it first, until nothing of it was made', async () => {
  await using world = await openRuns()
  await world.start([{ id: 'a' }, { id: 'b' }, { id: 'c', workspace: 'isolated' }])
  const queue = new Map((await queuedJobs(world.db, 10)).map((job) => [job.workspace + job.jobId, job.jobId]))
  const jobs = [...queue.values()]
  const steps = await Promise.all(jobs.map(async (id) => [(await jobById(world.db, id))!.stepId, id] as const))
  const idOf = Object.fromEntries(steps)
  const a = await world.claim(idOf.a!, agentA)
  expect(await world.claim(idOf.b!, agentB)).toBeNull()
  expect(await world.claim(idOf.c!, agentB)).not.toBeNull()
  expect((await queuedJobs(world.db, 10)).find(({ jobId }) => jobId === idOf.b)?.pinnedAgentId).toBe(agentA)
  // Refused before anything was made: another agent may have it.
  await world.driver.submit(a!.runId, { type: 'jobRejected', jobId: a!.jobId, epoch: a!.epoch, reason: 'disk full' })
  expect(await world.claim(idOf.b!, agentB)).not.toBeNull()
})

test('a controller that was killed is followed by one that knows everything', async () => {
  await using world = await openRuns()
  const runId = await world.start([
    { id: 'a' },
    { id: 'b', needs: [need('a')], retry: { max: 1, delayMs: 60_000 } },
    { id: 'c', needs: [need('b')] },
  ])
  const [first] = await queuedJobs(world.db, 1)
  await world.report((await world.claim(first!.jobId))!)
  const [second] = await queuedJobs(world.db, 1)
  await world.report((await world.claim(second!.jobId))!, Outcome.FAILED)
  expect(await world.statuses(runId)).toBe('a:succeeded b:waiting c:blocked')
  await world.driver.stop()

  const next = world.newDriver()
  await next.sweep()
  expect(await world.statuses(runId)).toBe('a:succeeded b:waiting c:blocked')
  world.clock.advance(60_000)
  await next.sweep()
  expect(await world.statuses(runId)).toBe('a:succeeded b:queued c:blocked')
  await world.finish(runId, next)
  expect(await world.statuses(runId)).toBe('a:succeeded b:succeeded c:succeeded')
})

test('a retry comes by its own timer', async () => {
  await using world = await openRuns()
  const runId = await world.start([{ id: 'a', retry: { max: 1, delayMs: 5000 } }])
  const [first] = await queuedJobs(world.db, 1)
  await world.report((await world.claim(first!.jobId))!, Outcome.FAILED)
  world.clock.advance(5000)
  // Joins the timer's commit or comes after it.
  await world.driver.submit(runId, { type: 'timer' })
  expect(await world.statuses(runId)).toBe('a:queued')
})

test('an offer stays its agent’s until whoever made it takes it back, or its agent is lost', async () => {
  await using world = await openRuns()
  const runId = await world.start([{ id: 'a' }])
  const [queued] = await queuedJobs(world.db, 1)
  const old = (await world.claim(queued!.jobId))!
  const past = world.db.toColumn(new Date(0))
  await world.db.kysely().updateTable('job').set({ offered_at: past }).where('id', '=', old.jobId).execute()
  await world.driver.sweep()
  expect(await queuedJobs(world.db, 1)).toEqual([])
  await world.driver.submit(runId, { type: 'jobRejected', ...old, reason: 'full' })
  expect(await queuedJobs(world.db, 1)).toHaveLength(1)
  expect(await world.driver.submit(runId, { type: 'jobAccepted', ...old })).toBe('stale')
  world.clock.advance(1000)
  const again = (await world.claim(queued!.jobId))!
  await world.driver.submit(runId, { type: 'jobLost', jobId: again.jobId, epoch: again.epoch })
  expect(await world.statuses(runId)).toBe('a:lost')
})

test('cancel and claim meet: the job never starts', async () => {
  await using world = await openRuns()
  for (let i = 0; i < 20; i++) {
    const runId = await world.start([{ id: 'a' }, { id: 'b', needs: [need('a')] }])
    const queued = (await queuedJobs(world.db, 100)).find((job) => job.runId === runId)!
    const [claimed] = await Promise.all([
      world.claim(queued.jobId),
      world.driver.cancel(runId, { id: agentA, name: 'Ada' }),
    ])
    if (claimed) expect(await world.driver.submit(runId, { type: 'jobAccepted', ...claimed })).toBe('stale')
    expect(await world.statuses(runId)).toBe('a:canceled b:canceled')
  }
})

test('two controllers at once decide nothing twice', async () => {
  await using world = await openRuns()
  const other = world.newDriver()
  const width = 12
  const runId = await world.start([
    ...Array.from({ length: width }, (_, i) => ({ id: `s${i}`, workspace: 'isolated' })),
    { id: 'end', needs: Array.from({ length: width }, (_, i) => need(`s${i}`)) },
  ])
  const queued = await queuedJobs(world.db, 100)
  const jobs = await Promise.all(queued.map(({ jobId }) => world.claim(jobId)))
  await Promise.all(jobs.map((job, i) => world.report(job!, Outcome.SUCCEEDED, i % 2 ? other : world.driver)))
  await world.finish(runId, other)
  const events = await runEventsAfter(world.db.em(), runId, 0, 1000)
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1))
  const ends = events.flatMap(({ steps }) => steps.filter((step) => step.id === 'end' && step.attempts.length > 0))
  expect(new Set(ends.flatMap((step) => step.attempts.map(({ jobId }) => jobId))).size).toBe(1)
  const loaded = (await world.load(runId))!
  expect(picture(loaded.state)).toMatchObject({ status: RunStatus.SUCCEEDED })
})

test('a lost job is repeated with a new attempt where the step says so', async () => {
  await using world = await openRuns()
  const runId = await world.start([{ id: 'a', onLost: OnLost.RETRY }, { id: 'b' }])
  const queued = await queuedJobs(world.db, 10)
  for (const { jobId } of queued) {
    const job = (await world.claim(jobId))!
    await world.driver.submit(runId, { type: 'jobAccepted', ...job })
    await world.driver.submit(runId, { type: 'jobLost', ...job })
  }
  expect(await world.statuses(runId)).toBe('a:queued b:lost')
  await world.finish(runId)
  expect((await world.load(runId))?.state.status).toBe(RunStatus.LOST)
})

test('a run of 2,000 steps is stored without a row for each blocked step', async () => {
  await using world = await openRuns()
  const steps = Array.from({ length: 2000 }, (_, i) => ({ id: `s${i}`, needs: i ? [need(`s${i - 1}`)] : [] }))
  const runId = await world.start(steps)
  expect(await world.db.kysely().selectFrom('run_step').select('step_id').execute()).toHaveLength(1)
  await world.driver.cancel(runId, { id: agentA, name: 'Ada' })
  expect((await world.load(runId))?.state.status).toBe(RunStatus.CANCELED)
})

test('a run that cannot be begun does not hold up others', async () => {
  await using world = await openRuns('silent')
  const broken = world.driver.start(world.startOf([{ id: 'a', needs: [need('nothing')] }]))
  const good = await Promise.allSettled([broken, ...Array.from({ length: 5 }, () => world.start([{ id: 'a' }]))])
  expect(good.map(({ status }) => status)).toEqual(['rejected', ...Array(5).fill('fulfilled')])
  const jobs = await queuedJobs(world.db, 100)
  expect(jobs).toHaveLength(5)
})
