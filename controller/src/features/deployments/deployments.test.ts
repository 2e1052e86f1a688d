// Environments by their API on a started controller: who keeps them, what steps have of them, and what is kept of what was deployed.

import { Role } from '@ansflow/proto/access'
import { JobSpecSchema, Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { DeploymentService } from '@ansflow/proto/gen/ansflow/v1/deployments_pb'
import { EnvironmentService } from '@ansflow/proto/gen/ansflow/v1/environments_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RerunMode, RunService, StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { SecretService } from '@ansflow/proto/gen/ansflow/v1/secrets_pb'
import { VariableService } from '@ansflow/proto/gen/ansflow/v1/variables_pb'
import { isTerminal, RunStatus } from '@ansflow/proto/status'
import { fromBinary } from '@bufbuild/protobuf'
import { Code } from '@connectrpc/connect'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { waitFor } from '../../../test/wait-for.ts'
import { AgentWorld } from '../agents/test/agent-world.ts'

let world: AgentWorld
let projectId: string
let control: Awaited<ReturnType<typeof agent>>
async function agent() {
  const connection = (await world.register()).control()
  await connection.hello()
  return connection
}
beforeAll(async () => {
  world = await AgentWorld.start()
  control = await agent()
})
afterAll(() => world[Symbol.asyncDispose]())
beforeEach(async () => {
  projectId = await world.controller.addProject()
})

async function set(job: Parameters<typeof control.succeed>[0], outputs: Record<string, string>) {
  control.say({ case: 'finished', value: { job, outcome: Outcome.SUCCEEDED, outputs } })
  await control.hear('finishedAck')
}

async function fail(job: Parameters<typeof control.succeed>[0]) {
  control.say({ case: 'finished', value: { job, outcome: Outcome.FAILED, exitCode: 1 } })
  await control.hear('finishedAck')
}

const owner = () => world.controller.as(world.controller.owner)
const environments = () => owner().client(EnvironmentService)
const deployments = () => owner().client(DeploymentService)

async function environment(name: string, rules: { branches?: string[]; tags?: string[]; url?: string } = {}) {
  return (await environments().createEnvironment({ projectId, name, ...rules })).environment!.id
}
const names = async () => (await environments().listEnvironments({ projectId })).environments.map(({ name }) => name)

async function published(yaml: string) {
  return owner().client(PipelineService).applyPipeline({ projectId, yaml, publish: true })
}
async function start(yaml: string, git: object = { branch: 'main', commit: 'c'.repeat(40), message: 'Fix\n\nall' }) {
  const { pipeline } = await published(yaml)
  return (await world.runs.startRun({ pipelineId: pipeline!.id, git })).run!.id
}
const ended = (runId: string) =>
  waitFor(async () => isTerminal((await world.runs.getRun({ runId })).run!.status) || undefined)
const history = async (environmentId = '') =>
  (await deployments().listDeployments({ projectId, environmentId })).deployments
const shown = async () =>
  (await history()).map(({ environmentName, stepId, status, current }) => [
    environmentName,
    stepId,
    StepStatus[status],
    ...(current ? ['current'] : []),
  ])

test('environments have an order and rules, and each name once', async () => {
  const [dev, production] = [await environment('dev'), await environment('production', { branches: ['main'] })]
  expect(await names()).toEqual(['dev', 'production'])
  await environments().orderEnvironments({ projectId, environmentIds: [production, dev] })
  expect(await names()).toEqual(['production', 'dev'])
  const wrongOrder = environments().orderEnvironments({ projectId, environmentIds: [dev] })
  await expect(wrongOrder).rejects.toMatchObject({ code: Code.InvalidArgument })
  await expect(environment('dev')).rejects.toMatchObject({ code: Code.AlreadyExists })
  const renamed = environments().updateEnvironment({ projectId, environmentId: dev, name: 'production' })
  await expect(renamed).rejects.toMatchObject({ code: Code.AlreadyExists })
  const changed = { projectId, environmentId: dev, name: '开发', url: 'https://dev.test', tags: ['v*'] }
  expect((await environments().updateEnvironment(changed)).environment).toMatchObject({ name: '开发', tags: ['v*'] })
  const elsewhere = await world.controller.addProject()
  for (const ask of [
    () => environments().updateEnvironment({ ...changed, projectId: elsewhere }),
    () => environments().deleteEnvironment({ projectId: elsewhere, environmentId: dev }),
    () =>
      owner().client(VariableService).putVariable({ projectId: elsewhere, environmentId: dev, name: 'A', value: '1' }),
    () => owner().client(SecretService).putSecret({ projectId: elsewhere, environmentId: dev, name: 'A', value: '1' }),
  ]) {
    await expect(ask()).rejects.toMatchObject({ code: Code.NotFound })
  }
})

test.each([
  [{ name: ' ' }, 'name'],
  [{ name: 'x'.repeat(65) }, 'name'],
  [{ name: 'a', url: 'javascript:alert(1)' }, 'url'],
  [{ name: 'a', branches: ['main', '[a'] }, 'branches.1'],
  [{ name: 'a', tags: Array.from({ length: 51 }, (_, n) => `v${n}`) }, 'tags'],
])('%j is refused', async (said, field) => {
  const error = await environments()
    .createEnvironment({ projectId, ...said })
    .catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: Code.InvalidArgument })
  expect(JSON.stringify((error as { details: unknown }).details)).toContain(`"${field}"`)
  expect(await names()).toEqual([])
})

test('publishing says which environments are not there, with what may be meant, and an environment who names it', async () => {
  const production = await environment('production')
  const { problems } = await published(`name: p
steps:
  a: { run: x, environment: prodution }
  b: { run: x, environment: { name: production } }
  c: { run: x, environment: "\${{ run.project }}" }`)
  expect(problems.map(({ stepId, code, params }) => [stepId, code, params])).toEqual([
    ['a', 'environment_absent', { name: 'prodution', near: 'production' }],
  ])
  const { uses } = await environments().listEnvironmentUses({ projectId, environmentId: production })
  expect(uses).toMatchObject([{ pipelineName: 'p', stepId: 'b' }])
})

test('who may only start runs cannot say of one that it is of a branch that may deploy', async () => {
  await environment('production', { branches: ['main'] })
  const { pipeline } = await published('name: ship\nsteps:\n  live: { run: x, environment: production }\n')
  const developer = await world.controller.addUser({ role: Role.DEVELOPER, projectId })
  const runs = world.controller.as(developer).client(RunService)
  for (const draft of [false, true]) {
    const { run } = await runs.startRun({ pipelineId: pipeline!.id, draft, git: { branch: 'main' } })
    await ended(run!.id)
    const { run: seen } = await runs.getRun({ runId: run!.id })
    expect(seen!.steps[0]!.reasonInfo).toMatchObject({ code: 'environment_unverified' })
  }
  expect(await history()).toEqual([])
})

test('what steps deploy is kept once each, and what is where now follows the last that succeeded', async () => {
  const [staging, production] = [
    await environment('staging', { url: 'https://staging.test' }),
    await environment('production', { branches: ['main'] }),
  ]
  const yaml = `name: ship
steps:
  stage: { run: x, environment: staging, retry: 1, workspace: isolated }
  live: { needs: [stage], run: x, environment: production, workspace: isolated }
  free: { needs: [stage], run: x, workspace: isolated }`
  const first = await start(yaml)
  await fail((await control.take()).job)
  await control.succeed((await control.take()).job)
  const both = [await control.take(), await control.take()]
  const live = both.find(({ stepId }) => stepId === 'live')!
  control.say({ case: 'started', value: { job: live.job } })
  await world.untilStep(first, 'live', StepStatus.RUNNING)
  expect(await shown()).toEqual([
    ['production', 'live', 'RUNNING'],
    ['staging', 'stage', 'SUCCEEDED', 'current'],
  ])
  const { states } = await deployments().listEnvironmentStates({ projectId })
  const startedByUserId = world.controller.owner.userId
  expect((await history()).map((each) => each.startedByUserId)).toEqual([startedByUserId, startedByUserId])
  expect(states).toMatchObject([
    {
      environmentId: staging,
      current: { startedByUserId, url: 'https://staging.test', commitTitle: 'Fix', ref: 'main' },
      running: [],
    },
    { environmentId: production, running: [{ stepId: 'live', runId: first }] },
  ])
  await fail(live.job)
  await control.succeed(both.find((each) => each !== live)!.job)
  await ended(first)
  // What is taken over from another run deploys nothing.
  const { run: again } = await world.runs.rerunRun({ runId: first, mode: RerunMode.FAILED })
  await control.succeed((await control.take()).job)
  await ended(again!.id)
  expect(await shown()).toEqual([
    ['production', 'live', 'SUCCEEDED', 'current'],
    ['production', 'live', 'FAILED'],
    ['staging', 'stage', 'SUCCEEDED', 'current'],
  ])
  const page = await deployments().listDeployments({ projectId, pageSize: 2 })
  const { deployments: rest } = await deployments().listDeployments({ projectId, pageToken: page.nextPageToken })
  expect([page.deployments.length, rest.map(({ stepId }) => stepId)]).toEqual([2, ['stage']])
  expect(await history(production)).toHaveLength(2)
  const { run } = await world.runs.getRun({ runId: first })
  expect(run!.steps.map(({ environment, environmentUrl }) => [environment, environmentUrl])).toEqual([
    ['staging', 'https://staging.test'],
    ['production', ''],
    ['', ''],
  ])
})

test('a run of another branch deploys nothing and says why; copies of a matrix are deployed each by itself', async () => {
  await environment('production', { branches: ['main'] })
  const yaml = `name: ship
steps:
  live: { run: x, matrix: { zone: [a, b] }, environment: production }`
  const refused = await start(yaml, { branch: 'feature' })
  await ended(refused)
  const { run } = await world.runs.getRun({ runId: refused })
  expect(run!.status).toBe(RunStatus.FAILED)
  expect(run!.steps[1]!.reasonInfo).toMatchObject({
    code: 'environment_ref',
    params: { environment: 'production', allowed: 'main', ref: 'feature' },
  })
  expect(await shown()).toEqual([])
  const runId = await start(yaml)
  for (const { job } of [await control.take(), await control.take()]) await control.succeed(job)
  await ended(runId)
  expect((await shown()).map(([, stepId, status]) => [stepId, status]).sort()).toEqual([
    ['live.0', 'SUCCEEDED'],
    ['live.1', 'SUCCEEDED'],
  ])
})

test('the address of what a step deploys may be what it has set; what is no address is said and is no link', async () => {
  await environment('preview')
  const runId = await start(`name: p
steps:
  good: { run: x, outputs: [at], environment: { name: preview, url: "\${{ steps.good.outputs.at }}" } }
  bad: { run: x, outputs: [at], environment: { name: preview, url: "\${{ steps.bad.outputs.at }}" } }`)
  for (const { job, stepId } of [await control.take(), await control.take()]) {
    control.say({ case: 'started', value: { job } })
    await world.untilStep(runId, stepId, StepStatus.RUNNING)
    await set(job, { at: stepId === 'good' ? 'https://pr-7.test/' : 'javascript:alert(1)' })
  }
  await ended(runId)
  const { run } = await world.runs.getRun({ runId })
  expect(run!.status).toBe(RunStatus.SUCCEEDED)
  const [good, bad] = ['good', 'bad'].map((id) => run!.steps.find((step) => step.id === id)!)
  expect([good!.environmentUrl, good!.environmentProblem]).toEqual(['https://pr-7.test/', undefined])
  expect(bad).toMatchObject({ environmentUrl: '', environmentProblem: { code: 'environment_url' } })
  const rows = await history()
  expect(Object.fromEntries(rows.map(({ stepId, url }) => [stepId, url]))).toEqual({
    good: 'https://pr-7.test/',
    bad: '',
  })
})

test('variables and secrets of an environment are those of the steps that deploy there, and go with it', async () => {
  const production = await environment('production')
  const variables = owner().client(VariableService)
  const secrets = owner().client(SecretService)
  for (const environmentId of ['', production]) {
    const value = environmentId === '' ? 'project' : 'production'
    await variables.putVariable({ projectId, environmentId, name: 'LEVEL', value })
    await secrets.putSecret({ projectId, environmentId, name: 'KEY', value })
  }
  await secrets.putSecret({ projectId, environmentId: production, name: 'ONLY', value: 'here' })
  const listed = await variables.listVariables({ projectId, environmentId: production })
  expect([listed.variables[0]!.value, listed.ofProject[0]!.value]).toEqual(['production', 'project'])
  expect((await secrets.listSecrets({ projectId })).secrets.map(({ name }) => name)).toEqual(['KEY'])
  const runId = await start(`name: p
steps:
  there: { run: x, environment: production, secrets: [KEY, ONLY] }
  here: { run: x, secrets: [KEY] }`)
  const { db } = world.controller
  const found: Record<string, unknown> = {}
  for (const { job, stepId, secrets: given } of [await control.take(), await control.take()]) {
    const [row] = await db.em().execute<{ spec: Uint8Array }[]>('select spec from job where id = ?', [job.jobId])
    const env = fromBinary(JobSpecSchema, row!.spec).env.find(({ name }) => name === 'LEVEL')?.value
    found[stepId] = [env, ...given.map(({ name, value }) => `${name}=${value}`).sort()]
    await control.succeed(job)
  }
  await ended(runId)
  expect(found).toEqual({
    there: ['production', 'KEY=production', 'ONLY=here'],
    here: ['project', 'KEY=project'],
  })
  const lacks = await published(
    'name: q\nsteps: { a: { run: x, secrets: [ONLY] }, b: { run: x, secrets: [ONLY], environment: production } }',
  )
  expect(lacks.problems.map(({ stepId, code }) => [stepId, code])).toEqual([['a', 'secret_absent']])
  await environments().deleteEnvironment({ projectId, environmentId: production })
  expect(await history()).toEqual([])
  expect(await db.em().execute('select name from secret where environment_id = ?', [production])).toEqual([])
  expect(await db.em().execute('select name from variable where environment_id = ?', [production])).toEqual([])
  await expect(variables.listVariables({ projectId, environmentId: production })).rejects.toMatchObject({
    code: Code.NotFound,
  })
})
