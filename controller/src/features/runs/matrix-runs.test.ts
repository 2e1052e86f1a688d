// Steps with copies, from the file to what the API says of their run, over restarts and with several controllers.
import { createHash } from 'node:crypto'
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { LogService } from '@ansflow/proto/gen/ansflow/v1/logs_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RunSchema, RunStatus, type RunStep, RunStepSchema, StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { limits } from '@ansflow/proto/limits'
import { parsePipeline } from '@ansflow/proto/pipeline-yaml'
import { isTerminal } from '@ansflow/proto/status'
import { toJson } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { waitFor } from '../../../test/wait-for.ts'
import { AgentWorld } from '../agents/test/agent-world.ts'
import { queuedJobs } from './test/queued-jobs.ts'
import { openRuns } from './test/runs-world.ts'

const file = `name: matrix
steps:
  plan: { run: ./plan, outputs: [list] }
  test:
    needs: [plan]
    name: Test \${{ matrix.node }}
    run: npm test
    outputs: [v]
    matrix: { node: "\${{ fromJSON(steps.plan.outputs.list) }}", maxParallel: 2, failFast: false }
  end: { needs: [test], run: "echo \${{ steps.test.outputs.v[2] }}" }
`

test('copies have steps, logs and values of their own in the run that the API gives, and its events fold to it', async () => {
  await using world = await AgentWorld.start()
  const agent = await world.register()
  const control = agent.control()
  await control.hello()
  const logs = agent.logs()
  const as = world.controller.as(world.controller.owner)
  const projectId = await world.controller.addProject()
  const applied = await as.client(PipelineService).applyPipeline({ projectId, yaml: file, publish: true })
  expect(applied.problems).toEqual([])
  const { run: started } = await world.runs.startRun({ pipelineId: applied.pipeline!.id })
  const runId = started!.id
  const copiesSeen: string[] = []
  const act = async () => {
    const { job, stepId, stepName } = await control.take()
    if (stepId.startsWith('test')) copiesSeen.push(`${stepId} ${stepName}`)
    control.say({ case: 'started', value: { job } })
    const text = `log of ${stepId}\n`
    const size = BigInt(text.length)
    logs.send({ job, offset: 0n, data: Buffer.from(text), lineLengths: [text.length], lineMs: [1] })
    logs.send({ job, offset: size, finalSize: size, finalSha256: createHash('sha256').update(text).digest() })
    await logs.answer((answer) => answer.job?.jobId === job.jobId && answer.complete)
    const outputs: Record<string, string> = stepId === 'plan' ? { list: '[20, 22, 24]' } : { v: `v of ${stepId}` }
    const failed = stepId === 'test.1'
    const outcome = failed ? Outcome.FAILED : Outcome.SUCCEEDED
    control.say({ case: 'finished', value: { job, outcome, exitCode: failed ? 1 : 0, outputs, logSize: size } })
    await control.hear('finishedAck')
  }
  await act()
  await world.until(runId, 'test', ({ copies }) => copies === 3)
  const { step: held } = await world.stepOf(runId, 'test.2')
  expect(held).toMatchObject({ name: 'Test 24', status: StepStatus.BLOCKED, reasonInfo: { code: 'max_parallel' } })
  for (let copy = 0; copy < 3; copy++) await act()
  await waitFor(async () => isTerminal((await world.runs.getRun({ runId })).run!.status))
  expect(copiesSeen.sort()).toEqual(['test.0 Test 20', 'test.1 Test 22', 'test.2 Test 24'])

  const { run } = await world.runs.getRun({ runId })
  expect(run?.status).toBe(RunStatus.FAILED)
  expect(
    run?.steps.map(({ id, copyOf, copies, matrix, status }) => [id, copyOf, copies, matrix, StepStatus[status]]),
  ).toEqual([
    ['plan', '', 0, undefined, 'SUCCEEDED'],
    ['test', '', 3, undefined, 'FAILED'],
    ['test.0', 'test', 0, { node: 20 }, 'SUCCEEDED'],
    ['test.1', 'test', 0, { node: 22 }, 'FAILED'],
    ['test.2', 'test', 0, { node: 24 }, 'SUCCEEDED'],
    ['end', '', 0, undefined, 'SKIPPED'],
  ])
  // The step itself counts nowhere: its copies do.
  expect(run?.stepCounts.map(({ status, count }) => [StepStatus[status], count])).toEqual([
    ['SUCCEEDED', 3],
    ['FAILED', 1],
    ['SKIPPED', 1],
  ])
  const { data } = await as.client(LogService).readLog({ runId, stepId: 'test.2', limit: 100 })
  expect(Buffer.from(data).toString()).toBe('log of test.2\n')

  const steps = new Map<string, RunStep>()
  let head = run!
  for await (const event of world.runs.watchRun({ runId })) {
    head = event.run!
    for (const step of event.steps) steps.set(step.id, step)
  }
  const json = (all: Iterable<RunStep>) => [...all].map((step) => toJson(RunStepSchema, step)).sort(byId)
  expect(json(steps.values())).toEqual(json(run!.steps))
  expect(toJson(RunSchema, { ...head, steps: [] })).toEqual(toJson(RunSchema, { ...run!, steps: [] }))
})

function byId(a: unknown, b: unknown): number {
  return (a as RunStep).id < (b as RunStep).id ? -1 : 1
}

test('another controller goes on with copies that one has made, and holds the same ones back', async () => {
  await using world = await openRuns()
  const { graph } = parsePipeline(file)
  const runId = await world.start([], { graph })
  const [plan] = await queuedJobs(world.db, 10)
  const job = (await world.claim(plan!.jobId))!
  const id = { jobId: job.jobId, epoch: job.epoch }
  await world.driver.submit(runId, {
    type: 'jobFinished',
    ...id,
    outcome: Outcome.SUCCEEDED,
    exitCode: 0,
    outputs: { list: '[1, 2, 3]' },
  })
  expect(await world.statuses(runId)).toBe(
    'plan:succeeded test:queued test.0:queued test.1:queued test.2:blocked end:blocked',
  )
  const others = [world.newDriver(), world.newDriver()]
  for (let copy = 0; copy < 3; copy++) {
    const waiting = await queuedJobs(world.db, 10)
    expect(waiting.length).toBe(copy < 2 ? 2 : 1)
    const next = (await world.claim(waiting[0]!.jobId, undefined, others[copy % 2]!))!
    await world.report(next, Outcome.SUCCEEDED, others[(copy + 1) % 2]!)
  }
  expect(await world.statuses(runId)).toBe(
    'plan:succeeded test:succeeded test.0:succeeded test.1:succeeded test.2:succeeded end:queued',
  )
  const run = await world.load(runId)
  expect(run?.state.stepValues.test?.outputs.v).toEqual(['test.0', 'test.1', 'test.2'])
  await world.finish(runId, others[0])
})

test('a thousand copies of a step are made, stored and loaded', async () => {
  await using world = await openRuns()
  const values = JSON.stringify(Array.from({ length: limits.matrixCopies }, (_, value) => value))
  const id = 'a'.repeat(64)
  const { graph } = parsePipeline(
    `name: x\nsteps: { ${id}: { run: "echo \${{ matrix.v }}", matrix: { v: ${values} } } }\n`,
  )
  const runId = await world.start([], { graph })
  const run = await world.load(runId)
  expect(run?.state.counts[StepStatus.QUEUED]).toBe(1000)
  expect(run?.state.steps.get(`${id}.999`)).toMatchObject({ matrix: { v: 999 }, name: `${id} (999)` })
  expect((await queuedJobs(world.db, 2000)).length).toBe(1000)
  await world.driver.cancel(runId, { id: '', name: 'Ada' })
  expect((await world.load(runId))?.state.counts[StepStatus.CANCELED]).toBe(1000)
})
