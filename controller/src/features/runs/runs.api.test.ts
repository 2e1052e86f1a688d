import { Role } from '@ansflow/proto/access'
import { AgentLinkService, Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { AuthService } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RunService, RunStatus, StepStatus, type WatchRunResponse } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { Code, ConnectError } from '@connectrpc/connect'
import { expect, test } from 'vitest'
import { startController, type TestController } from '../../../test/start-controller.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { createRunDriver } from './index.ts'
import { claimJob } from './test/claim-job.ts'
import { queuedJobs } from './test/queued-jobs.ts'

const yaml = `
name: build
inputs:
  level: { type: choice, options: [a, b], default: a }
  version: { type: string, required: true }
steps:
  compile: { run: "make \${{ inputs.version }}", runsOn: [linux] }
  check: { run: make check, needs: [compile] }
  cleanup: { run: make clean, needs: [check], when: "always()" }
`

async function withPipeline(c: TestController) {
  const projectId = await c.addProject()
  const pipelines = c.as(c.owner).client(PipelineService)
  const { pipeline } = await pipelines.applyPipeline({ projectId, yaml, publish: true })
  return { projectId, pipelineId: pipeline!.id, runs: c.as(c.owner).client(RunService) }
}

test('a run starts with its inputs, and every step says why it waits', async () => {
  await using c = await startController()
  const { pipelineId, projectId, runs } = await withPipeline(c)
  const { run } = await runs.startRun({ pipelineId, inputs: { version: '1.2' } })
  expect(run).toMatchObject({ number: 1, status: RunStatus.QUEUED, version: 1, pipelineName: 'build', projectId })
  const got = await runs.getRun({ runId: run!.id })
  expect(got.graph?.steps.map((step) => step.id)).toEqual(['compile', 'check', 'cleanup'])
  expect(got.run?.inputs).toEqual({ version: '1.2', level: 'a' })
  const steps = got.run!.steps.map(({ id, status, reason }) => [id, status, reason])
  expect(steps[0]?.slice(0, 2)).toEqual(['compile', StepStatus.QUEUED])
  expect(steps[0]?.[2]).toBeTruthy()
  expect(steps[1]).toEqual(['check', StepStatus.BLOCKED, 'Waits for compile.'])
  expect(steps[2]).toEqual(['cleanup', StepStatus.BLOCKED, 'Waits for check.'])
  const [queued] = await queuedJobs(c.db, 10)
  const agentId = await agentOf(c)
  const driver = createRunDriver({ db: c.db, bus: c.bus, clock: c.clock, log: c.controller.log })
  const job = await claimJob({ db: c.db, driver }, queued!.jobId, agentId)
  await driver.stop()
  expect(job?.spec.execution).toMatchObject({ case: 'shell', value: { script: 'make 1.2' } })
  const env = Object.fromEntries(job!.spec.env.map(({ name, value }) => [name, value]))
  expect(env).toMatchObject({ CI: 'true', ANSFLOW_RUN_ID: run!.id, CI_PIPELINE_NUMBER: '1', CI_STEP_NAME: 'compile' })
})

test('wrong inputs, versions and keys are refused', async () => {
  await using c = await startController()
  const { pipelineId, runs } = await withPipeline(c)
  const code = async (work: Promise<unknown>) => ConnectError.from(await work.catch((error: unknown) => error)).code
  const inputs = { version: '1' }
  expect(await code(runs.startRun({ pipelineId, inputs: { level: 'c' } }))).toBe(Code.InvalidArgument)
  expect(await code(runs.startRun({ pipelineId, inputs: { version: 1 } }))).toBe(Code.InvalidArgument)
  expect(await code(runs.startRun({ pipelineId, inputs: { ...inputs, x: 1 } }))).toBe(Code.InvalidArgument)
  expect(await code(runs.startRun({ pipelineId, inputs, version: 9 }))).toBe(Code.NotFound)
  expect(await code(runs.startRun({ pipelineId, inputs, version: 1, draft: true }))).toBe(Code.InvalidArgument)
  expect(await code(runs.startRun({ pipelineId, inputs, idempotencyKey: 'x'.repeat(129) }))).toBe(Code.InvalidArgument)
  expect(await code(runs.getRun({ runId: pipelineId }))).toBe(Code.NotFound)
  const viewer = await c.addUser({ role: Role.VIEWER })
  expect(await code(c.as(viewer).client(RunService).startRun({ pipelineId, inputs }))).toBe(Code.PermissionDenied)
})

test('a key is one run, a rerun is another of the same graph and inputs, the draft is version 0', async () => {
  await using c = await startController()
  const { pipelineId, runs } = await withPipeline(c)
  const start = { pipelineId, inputs: { version: '1' }, idempotencyKey: 'k' }
  const [one, two] = await Promise.all([runs.startRun(start), runs.startRun(start)])
  expect(two.run?.id).toBe(one.run?.id)
  const again = await runs.rerunRun({ runId: one.run!.id })
  expect(again.run).toMatchObject({ number: 2, rerunOf: one.run?.id, inputs: { version: '1', level: 'a' }, version: 1 })
  const draft = await runs.startRun({ pipelineId, inputs: { version: '1' }, draft: true })
  expect(draft.run).toMatchObject({ number: 3, version: 0 })
})

test('a run says what started it and what it is for; repeating it keeps the latter', async () => {
  await using c = await startController()
  const { pipelineId, runs } = await withPipeline(c)
  const inputs = { version: '1' }
  const git = {
    repository: 'https://example.org/app.git',
    ref: 'refs/heads/main',
    branch: 'main',
    commit: 'a'.repeat(40),
  }
  const { token, secret } = await c
    .as(c.owner)
    .client(AuthService)
    .createApiToken({ name: 'deploy bot', scopes: ['*'] })
  const { userId } = c.owner
  const byToken = c.grpcClient(RunService, secret)
  const { run } = await byToken.startRun({ pipelineId, inputs, git })
  expect(run?.origin).toMatchObject({
    cause: { case: 'token', value: { tokenId: token?.id, name: 'deploy bot', userId } },
    git,
  })
  const again = await runs.rerunRun({ runId: run!.id })
  expect(again.run).toMatchObject({ rerunOf: run!.id, origin: { git: { branch: 'main' } } })
  for (const { id, origin } of [run!, again.run!]) {
    expect((await runs.getRun({ runId: id })).run?.origin).toEqual(origin)
    expect((await runs.listRuns({ startedBy: userId })).runs.find((one) => one.id === id)?.origin).toEqual(origin)
  }
  const refused: [string, object][] = [
    ['git.repository', { repository: 'https://token@example.org/app.git' }],
    ['git.repository', { repository: 'ext::sh -c true' }],
    ['git.ref', { ref: '--upload-pack=x' }],
    ['git.branch', { branch: 'a b' }],
    ['git.tag', { tag: '..' }],
    ['git.commit', { commit: 'main' }],
    ['git.author', { author: 'x'.repeat(257) }],
    ['git.message', { message: 'x'.repeat(4097) }],
    ['git.event', { event: 'pushed' }],
    ['git.action', { action: 'Opened it' }],
    ['git.baseBranch', { baseBranch: '../x' }],
    ['git.baseCommit', { baseCommit: 'HEAD' }],
    ['git.title', { title: 'x'.repeat(1025) }],
    ['git.labels', { labels: Array.from({ length: 101 }, (_, n) => `l${n}`) }],
    ['git.changed', { changed: { ['x'.repeat(16_385)]: true } }],
    ['git.fileHashes', { fileHashes: { '["a"]': 'main' } }],
  ]
  for (const [field, wrong] of refused) {
    const error = await runs.startRun({ pipelineId, inputs, git: wrong }).catch((thrown: unknown) => thrown)
    expect(ConnectError.from(error)).toMatchObject({
      code: Code.InvalidArgument,
      message: expect.stringContaining(field),
    })
  }
})

test('what is not started by hand is not, but for its draft', async () => {
  await using c = await startController()
  const projectId = await c.addProject()
  const yaml = 'name: nightly\non: { manual: false }\nsteps:\n  a: { run: "true" }\n'
  const { pipeline } = await c.as(c.owner).client(PipelineService).applyPipeline({ projectId, yaml, publish: true })
  const runs = c.as(c.owner).client(RunService)
  const pipelineId = pipeline!.id
  await expect(runs.startRun({ pipelineId })).rejects.toMatchObject({ code: Code.FailedPrecondition })
  await expect(runs.startRun({ pipelineId, version: 1 })).rejects.toThrow(/manual: false/)
  expect((await runs.startRun({ pipelineId, draft: true })).run?.number).toBe(1)
})

test('the draft runs up to a step: it and what it waits for', async () => {
  await using c = await startController()
  const { projectId, runs } = await withPipeline(c)
  const yaml = `name: fork
steps:
  a: { run: echo a }
  b: { needs: [a], run: echo b }
  c: { needs: [a], run: echo c }
  d: { needs: [b, c], run: echo d }
`
  const { pipeline } = await c.as(c.owner).client(PipelineService).applyPipeline({ projectId, yaml })
  const pipelineId = pipeline!.id
  const { run } = await runs.startRun({ pipelineId, draft: true, untilStepId: 'b' })
  expect((await runs.getRun({ runId: run!.id })).run?.steps.map(({ id }) => id)).toEqual(['a', 'b'])
  for (const request of [{ draft: true, untilStepId: 'x' }, { untilStepId: 'b' }]) {
    const refusal = await runs.startRun({ pipelineId, ...request }).catch((error: unknown) => ConnectError.from(error))
    expect(refusal).toMatchObject({ code: Code.InvalidArgument })
  }
})

test('lists hold what the caller may read, page by page, by filter', async () => {
  await using c = await startController()
  const { pipelineId, projectId, runs } = await withPipeline(c)
  const other = await withPipeline(c)
  for (let i = 0; i < 5; i++) await runs.startRun({ pipelineId, inputs: { version: String(i) } })
  const { run } = await runs.startRun({ pipelineId: other.pipelineId, inputs: { version: '1' } })
  // The second time takes the cleanup step too.
  await runs.cancelRun({ runId: run!.id })
  await runs.cancelRun({ runId: run!.id })
  const numbers: number[] = []
  for (let pageToken = ''; ; ) {
    const page = await runs.listRuns({ projectId, pageSize: 2, pageToken })
    numbers.push(...page.runs.map((each) => each.number))
    pageToken = page.nextPageToken
    if (!pageToken) break
  }
  expect(numbers).toEqual([5, 4, 3, 2, 1])
  expect((await runs.listRuns({})).runs).toHaveLength(6)
  const canceled = await runs.listRuns({ statuses: [RunStatus.CANCELED] })
  expect(canceled.runs.map(({ id }) => id)).toEqual([run?.id])
  expect(canceled.runs[0]?.stepCounts).toMatchObject([{ status: StepStatus.CANCELED, count: 3 }])
  const guest = await c.addUser({ role: Role.VIEWER, projectId: other.projectId })
  const seen = await c.as(guest).client(RunService).listRuns({})
  expect(seen.runs.map((each) => each.projectId)).toEqual([other.projectId])
  const stranger = await c.addUser({ role: Role.OWNER, organizationId: await c.addOrganization() })
  expect((await c.as(stranger).client(RunService).listRuns({})).runs).toEqual([])
})

/** One that is there; what it would do, the tests say. */
async function agentOf(c: TestController): Promise<string> {
  const { token } = await c.as(c.owner).client(AgentService).createRegistrationToken({})
  const agent = { token, name: 'Anna', slots: 1, version: '0.1.0' }
  return (await c.as(undefined).client(AgentLinkService).register(agent)).agentId
}

test('lists tell failures that were allowed from those that were not', async () => {
  await using c = await startController()
  const projectId = await c.addProject()
  const text = 'name: style\nsteps:\n  style: { run: exit 1, allowFailure: true }\n  soak: { run: exit 1 }\n'
  const pipelines = c.as(c.owner).client(PipelineService)
  const { pipeline } = await pipelines.applyPipeline({ projectId, yaml: text, publish: true })
  const runs = c.as(c.owner).client(RunService)
  const { run } = await runs.startRun({ pipelineId: pipeline!.id })
  const { db, bus, clock } = c
  const driver = createRunDriver({ db, bus, clock, log: c.controller.log })
  const agentId = await agentOf(c)
  for (const { jobId } of await queuedJobs(db, 10)) {
    const job = (await claimJob({ db, driver }, jobId, agentId))!
    await driver.submit(run!.id, { type: 'jobStarted', ...job })
    await driver.submit(run!.id, { type: 'jobFinished', ...job, outcome: Outcome.FAILED, exitCode: 1, outputs: {} })
  }
  await driver.stop()
  const [listed] = (await runs.listRuns({ projectId })).runs
  expect(listed?.stepCounts).toMatchObject([{ status: StepStatus.FAILED, count: 2, allowed: 1 }])
  expect((await runs.getRun({ runId: run!.id })).run?.stepCounts).toEqual(listed?.stepCounts)
})

test('a run is watched to its end, without gap or repeat, whichever controller moves it', async () => {
  await using c = await startController()
  const { pipelineId, runs } = await withPipeline(c)
  const { run } = await runs.startRun({ pipelineId, inputs: { version: '1' } })
  const runId = run!.id
  const events: WatchRunResponse[] = []
  const watching = (async () => {
    for await (const event of runs.watchRun({ runId })) events.push(event)
  })()
  await waitFor(() => events.length > 0)
  const { db, bus, clock } = c
  const driver = createRunDriver({ db, bus, clock, log: c.controller.log })
  const agentId = await agentOf(c)
  const [queued] = await queuedJobs(db, 10)
  const job = (await claimJob({ db, driver }, queued!.jobId, agentId))!
  await driver.submit(runId, { type: 'jobAccepted', ...job })
  await driver.submit(runId, { type: 'jobStarted', ...job })
  await waitFor(() => events.at(-1)?.run?.status === RunStatus.RUNNING)
  await runs.cancelRun({ runId })
  await runs.cancelRun({ runId })
  await driver.submit(runId, { type: 'jobLost', ...job })
  await watching
  await driver.stop()
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1))
  const last = events.at(-1)
  expect(last?.run).toMatchObject({ status: RunStatus.CANCELED, cancelRequested: true, seq: events.length })
  const got = (await runs.getRun({ runId })).run!
  expect(got.steps.map(({ status }) => status)).toEqual(Array(3).fill(StepStatus.CANCELED))
  expect(got.steps[0]?.reason).toMatch(/^Canceled by .*; its agent was lost\.$/)
  const after: number[] = []
  for await (const { seq } of runs.watchRun({ runId, afterSeq: 2 })) after.push(seq)
  expect(after).toEqual(events.slice(2).map(({ seq }) => seq))
  for await (const { seq } of runs.watchRun({ runId, afterSeq: events.length })) after.push(seq)
  expect(after).toHaveLength(events.length - 2)
})
