// A pipeline fetches the repository that its run is for: with a real agent, over smart HTTP, by what its connection has.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { ConnectionService, ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { LogService } from '@ansflow/proto/gen/ansflow/v1/logs_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { type GitFactsSchema, RunService, StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isTerminal } from '@ansflow/proto/status'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createRepository, type GitHttp, type Repository, serveGitHttp } from '../../proto/test/git-servers.ts'
import { features } from '../src/app.ts'
import { createGivenAccess } from '../src/features/agents/given-access.ts'
import { registerFakeAgent } from '../src/features/agents/test/fake-agent.ts'
import { createSealedValues } from '../src/features/secrets/sealed-values.ts'
import { readAllowed } from '../src/platform/outbound-rules.ts'
import { startController, type TestController } from './start-controller.ts'
import { waitFor } from './wait-for.ts'

const password = 'p4ssw0rd-of-the-connection'
const basic = `Basic ${Buffer.from(`robot:${password}`).toString('base64')}`

let folder: string
let origin: Repository
let git: GitHttp
let other: GitHttp
let c: TestController
let agent: ChildProcess
let projectId: string
let repositoryId: string
let cloneUrl: string

const as = () => c.as(c.owner)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ansflow-own-repository-'))
  origin = createRepository(folder, 'shop')
  git = await serveGitHttp(folder, 'robot', password)
  other = await serveGitHttp(folder, 'robot', password)
  c = await startController({ config: { outboundAllowed: readAllowed('127.0.0.1') } })
  projectId = await c.addProject()
  ;({ repositoryId, cloneUrl } = await connect(projectId))
  const { token } = await as().client(AgentService).createRegistrationToken({ organizationId: c.owner.organizationId })
  const program = join(import.meta.dirname, '../../agent/src/main.ts')
  agent = spawn(process.execPath, [program, 'run', '--data', join(folder, 'agent')], {
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      ANSFLOW_AGENT_URL: c.grpcAddress,
      ANSFLOW_AGENT_TOKEN: token,
    },
    stdio: 'ignore',
  })
})

afterAll(async () => {
  if (agent && agent.exitCode === null) {
    agent.kill('SIGTERM')
    await once(agent, 'exit')
  }
  await c?.[Symbol.asyncDispose]()
  await git?.[Symbol.asyncDispose]()
  await other?.[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

async function connect(projectId: string): Promise<{ repositoryId: string; cloneUrl: string; connectionId: string }> {
  const { connection } = await as()
    .client(ConnectionService)
    .createConnection({
      projectId,
      name: 'git',
      kind: ForgeKind.GIT,
      url: git.url,
      credentials: { kind: { case: 'token', value: { user: 'robot', token: password } } },
    })
  const { repository } = await as()
    .client(RepositoryService)
    .connectRepository({ projectId, connectionId: connection!.id, fullName: 'shop.git' })
  return { repositoryId: repository!.id, cloneUrl: repository!.cloneUrl, connectionId: connection!.id }
}

async function run(text: string, git?: MessageInitShape<typeof GitFactsSchema>) {
  const pipelines = as().client(PipelineService)
  const { pipeline } = await pipelines.applyPipeline({ projectId, yaml: text, publish: true })
  const runs = as().client(RunService)
  const { run } = await runs.startRun({ pipelineId: pipeline!.id, ...(git && { git }) })
  const read = async () => (await runs.getRun({ runId: run!.id })).run!
  await waitFor(async () => isTerminal((await read()).status), 60_000)
  const [step] = (await read()).steps
  const log = async () => {
    const read = () => as().client(LogService).readLog({ runId: run!.id, stepId: 'code' })
    await waitFor(async () => (await read()).complete)
    return Buffer.from((await read()).data).toString()
  }
  return { step: step!, log }
}

/** The agent tidies up meanwhile: what is gone holds nothing. */
function contentOf(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return Buffer.alloc(0)
  }
}

let number = 0
const fetching = (more = '') => `name: build ${++number}
on: { push: {} }
steps:
  code: { uses: fetch_code${more}, outputs: [commit] }
`

test('without an address or a secret, the commit of the run is there, and what let git in is nowhere', async () => {
  const commit = origin.git('rev-parse', 'HEAD')
  origin.commit('later', 'x\n')
  const { step, log } = await run(fetching(), { repositoryId, commit })
  const said = await log()
  expect({ status: step.status, said }).toMatchObject({ status: StepStatus.SUCCEEDED })
  expect(step.outputs).toMatchObject({ commit })
  expect(git.authorizations).toContain(basic)
  expect(said).toContain(commit)
  expect(said).not.toContain(password)

  for (const file of readdirSync(join(folder, 'agent'), { recursive: true, withFileTypes: true })) {
    if (file.isFile()) expect(contentOf(join(file.parentPath, file.name)).includes(password)).toBe(false)
  }
  await expectInNoTable(password)
})

async function expectInNoTable(text: string): Promise<void> {
  const tables = features.flatMap(({ entities }) =>
    entities.map((each) => (each as { meta: { tableName: string } }).meta),
  )
  expect(tables.length).toBeGreaterThan(20)
  for (const { tableName } of tables) {
    for (const row of await c.db.em().execute<Record<string, unknown>[]>(`select * from ${tableName}`)) {
      for (const value of Object.values(row)) {
        const bytes = value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value))
        expect(bytes.includes(text) ? tableName : '').toBe('')
      }
    }
  }
}

test('the same address, written out, is let in; another server hears nothing', async () => {
  const { step } = await run(fetching(`, with: { url: "${cloneUrl}" }`), { repositoryId })
  expect(step.status).toBe(StepStatus.SUCCEEDED)
  const elsewhere = await run(fetching(`, with: { url: "${other.url}/shop.git" }`), { repositoryId })
  expect(elsewhere.step.status).toBe(StepStatus.FAILED)
  expect(other.asked.length).toBeGreaterThan(0)
  expect([...other.authorizations]).toEqual([])
})

test('a run for a pull request of another repository, and one that says no repository, get nothing', async () => {
  git.authorizations.clear()
  const { agents } = await as().client(AgentService).listAgents({ organizationId: c.owner.organizationId })
  for (const { id } of agents) await as().client(AgentService).setAgentTrust({ agentId: id, takesUntrusted: true })
  const fork = await run(fetching(), { repositoryId, fork: true, pullRequest: 3 })
  expect(fork.step.status).toBe(StepStatus.FAILED)
  const unsaid = await run(fetching(`, with: { url: "${cloneUrl}" }`))
  expect(unsaid.step.status).toBe(StepStatus.FAILED)
  expect([...git.authorizations]).toEqual([])

  const none = await run(fetching())
  expect(none.step).toMatchObject({ status: StepStatus.FAILED, attempts: [] })
  expect(none.step.reasonInfo).toMatchObject({ code: 'parameter' })
  expect(none.step.reason).toContain('this run is for no connected repository')
})

test('a run is for no repository of another project, and for none by another address', async () => {
  const pipelines = as().client(PipelineService)
  const { pipeline } = await pipelines.applyPipeline({ projectId, yaml: fetching(), publish: true })
  const start = (git: MessageInitShape<typeof GitFactsSchema>) =>
    as().client(RunService).startRun({ pipelineId: pipeline!.id, git })
  const foreign = await connect(await c.addProject())
  await expect(start({ repositoryId: foreign.repositoryId })).rejects.toThrow(/git\.repositoryId/)
  await expect(start({ repositoryId, repository: `${other.url}/shop.git` })).rejects.toThrow(/git\.repository/)
})

test('what lets a job in is masked in its log by the controller, too, whatever the connection has by then', async () => {
  const otherProject = await c.addProject()
  const connected = await connect(otherProject)
  const { token } = await as()
    .client(AgentService)
    .createRegistrationToken({ labels: ['liar'] })
  const liar = await registerFakeAgent(c.grpcAddress, token, 'liar')
  try {
    const control = liar.control()
    await control.hello()
    const yaml = fetching(', runsOn: [liar]')
    const { pipeline } = await as()
      .client(PipelineService)
      .applyPipeline({ projectId: otherProject, yaml, publish: true })
    const git = { repositoryId: connected.repositoryId }
    const { run } = await as().client(RunService).startRun({ pipelineId: pipeline!.id, git })
    const { job } = await control.hear('offer')
    const [logs, early] = [liar.logs(), Buffer.from('early\n')]
    // Its log is open before it was given anything.
    logs.send({ job: job!, offset: 0n, data: early })
    await logs.answer(({ stored }) => stored === BigInt(early.length))
    control.say({ case: 'accept', value: { job: job! } })
    const { secrets } = await control.hear('start')
    expect(secrets.map(({ value }) => value)).toEqual([password])
    const sealed = async () => c.db.em().execute("select owner_id from sealed_value where kind = 'job access'")
    const given = createGivenAccess({ db: c.db, sealedValues: createSealedValues(c.controller.keys) })
    // Another controller gives it something else; who asks again gives the same.
    for (const value of ['of-another', 'of-another', 'of-a-third']) await given.note(job!.jobId, { value })
    await given.note(run!.id, { value: 'of no job' })
    await given.sweep()
    expect(await sealed()).toHaveLength(3)

    const credentials = { kind: { case: 'token' as const, value: { user: 'robot', token: 'another-one' } } }
    await as().client(ConnectionService).updateConnection({ connectionId: connected.connectionId, credentials })
    const said = Buffer.from(`remote: ${password}! of-another\nauthorization: ${basic}\n`)
    // In two pieces, cut inside of the password.
    logs.send({ job: job!, offset: 6n, data: said.subarray(0, 15) })
    logs.send({ job: job!, offset: 21n, data: said.subarray(15), finalSize: BigInt(6 + said.length) })
    await logs.answer(({ complete }) => complete)
    await control.succeed(job!)
    const { data } = await as().client(LogService).readLog({ runId: run!.id, stepId: 'code' })
    expect(Buffer.from(data).toString()).toMatch(/^early\nremote: \*{26}! \*{10}\nauthorization: Basic \*+\n$/)
    expect(data).toHaveLength(6 + said.length)
    await expectInNoTable(password)
    await waitFor(async () => (await sealed()).length === 0)
  } finally {
    liar.close()
  }
})
