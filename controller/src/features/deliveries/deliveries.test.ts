import { createHash, createHmac } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConnectionService, ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { DeliveryService, RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { ExplainService } from '@ansflow/proto/gen/ansflow/v1/explain_pb'
import { Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { type GitFactsSchema, type Run, RunService, StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isTerminal } from '@ansflow/proto/status'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { createRepository, type GitHttp, type Repository, serveGitHttp } from '../../../../proto/test/git-servers.ts'
import { startController, type TestController } from '../../../test/start-controller.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { readAllowed } from '../../platform/outbound-rules.ts'

const file = `name: build
on: { push: { branches: [main] } }
steps:
  one: { run: "true" }
  docs: { run: "true", when: "\${{ changed('docs/**') }}" }
`

class World implements AsyncDisposable {
  readonly controller: TestController
  readonly origin: Repository
  readonly git: GitHttp
  readonly #folder: string
  projectId = ''
  repositoryId = ''
  #secret = ''

  private constructor(folder: string, controller: TestController, origin: Repository, git: GitHttp) {
    this.#folder = folder
    this.controller = controller
    this.origin = origin
    this.git = git
  }

  static async start(files: Record<string, string> = { 'ansflow.yaml': file }): Promise<World> {
    const folder = mkdtempSync(join(tmpdir(), 'ansflow-deliveries-'))
    const origin = createRepository(folder, 'shop')
    for (const [name, text] of Object.entries(files)) origin.commit(name, text)
    const git = await serveGitHttp(folder, 'robot', 'word')
    const controller = await startController({ config: { outboundAllowed: readAllowed('127.0.0.1') } })
    const world = new World(folder, controller, origin, git)
    world.projectId = await controller.addProject()
    return world
  }

  get owner() {
    return this.controller.as(this.controller.owner)
  }

  async connect(): Promise<void> {
    const { projectId } = this
    const { connection } = await this.owner.client(ConnectionService).createConnection({
      projectId,
      name: 'git',
      kind: ForgeKind.GIT,
      url: this.git.url,
      credentials: { kind: { case: 'token', value: { user: 'robot', token: 'word' } } },
    })
    const { repository, hookSecret } = await this.owner
      .client(RepositoryService)
      .connectRepository({ projectId, connectionId: connection!.id, fullName: 'shop.git' })
    this.repositoryId = repository!.id
    this.#secret = hookSecret
  }

  async post(body: string, headers: Record<string, string> = {}) {
    const signature = `sha256=${createHmac('sha256', this.#secret).update(body).digest('hex')}`
    const answer = await fetch(`${this.controller.url}/hooks/repositories/${this.repositoryId}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-ansflow-event': 'push',
        'x-ansflow-signature': signature,
        ...headers,
      },
      body,
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, string> }
  }

  pushed(before: string, after: string, ref = 'refs/heads/main', headers: Record<string, string> = {}) {
    return this.post(JSON.stringify({ ref, before, after }), headers)
  }

  async delivery(id: string) {
    const { repositoryId } = this
    const read = async () =>
      (await this.owner.client(DeliveryService).getRepositoryDelivery({ repositoryId, deliveryId: id })).delivery!
    await waitFor(async () => (await read()).result !== RepositoryDeliveryResult.TAKEN)
    return read()
  }

  async pipelines() {
    return (await this.owner.client(PipelineService).listPipelines({ projectId: this.projectId })).pipelines
  }

  async published(count: number): Promise<void> {
    const isIt = (all: { latestVersion: number }[]) => all.length === count && all.every((one) => one.latestVersion > 0)
    await waitFor(async () => isIt(await this.pipelines()), 30_000)
  }

  async runs() {
    return (await this.owner.client(RunService).listRuns({ projectId: this.projectId })).runs
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.controller[Symbol.asyncDispose]()
    await this.git[Symbol.asyncDispose]()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

test('the pipelines of a repository appear by themselves, and a push runs what its commit says', async () => {
  await using world = await World.start()
  await world.connect()
  await world.published(1)
  const [pipeline] = await world.pipelines()
  expect(pipeline).toMatchObject({ name: 'build', latestVersion: 1, filePath: 'ansflow.yaml' })
  expect(pipeline!.repositoryId).toBe(world.repositoryId)

  const before = world.origin.git('rev-parse', 'HEAD')
  const after = world.origin.commit('code.c', 'int main;\n')
  const { status, body } = await world.pushed(before, after)
  expect(status).toBe(202)
  const delivery = await world.delivery(body.delivery!)
  expect(delivery).toMatchObject({ result: RepositoryDeliveryResult.STARTED, ref: 'main', commit: after, problem: '' })
  const [run] = await world.runs()
  expect(delivery.decisions).toMatchObject([
    { pipelineId: pipeline!.id, runId: run!.id, runNumber: 1, path: 'ansflow.yaml' },
  ])
  expect(run!.origin!.git).toMatchObject({
    commit: after,
    branch: 'main',
    event: 'push',
    baseCommit: before,
    changed: { '["docs/**"]': false },
    changedCount: 1,
    message: 'change code.c',
  })
  expect(run!.version).toBe(1)
})

test('a run that starts when one of a repository has ended is for the same commit of it, in its project', async () => {
  const done = 'steps: { it: { uses: wait, with: { until: "2020-01-01T00:00:00Z" } } }\n'
  await using world = await World.start({ 'ansflow.yaml': `name: build\non: { push: true }\n${done}`, 'go.sum': 'a\n' })
  const { owner, controller, projectId } = world
  const { project } = await owner.client(ProjectService).getProject({ projectId })
  await world.connect()
  await world.published(1)
  const elsewhere = await controller.addProject()
  const after = async (into: string, of: string) => {
    const hash = '${{ hashFiles("go.sum") }}'
    const yaml = `name: after\non: { run: { pipeline: ${of} } }\nenv: { SUM: '${hash}' }\noutputs: { sum: '${hash}' }\n${done}`
    return (await owner.client(PipelineService).applyPipeline({ projectId: into, yaml, publish: true })).pipeline!.id
  }
  const [own, other] = [await after(projectId, 'build'), await after(elsewhere, `${project!.slug}/build`)]
  const before = world.origin.git('rev-parse', 'HEAD')
  const commit = world.origin.commit('code.c', 'int main;\n')
  await world.delivery((await world.pushed(before, commit)).body.delivery!)
  const runs = owner.client(RunService)
  const ended = (pipelineId: string) =>
    waitFor(async () => {
      const [run] = (await runs.listRuns({ pipelineId })).runs
      return run && isTerminal(run.status) ? (await runs.getRun({ runId: run.id })).run : undefined
    }, 30_000)
  const { repositoryId } = world
  const run = await ended(own)
  const [pushed] = (await world.runs()).filter(({ pipelineName }) => pipelineName === 'build')
  expect(run.origin).toMatchObject({
    cause: { case: 'run', value: { runId: pushed!.id } },
    verified: true,
    git: { repositoryId, commit, branch: 'main', event: 'push', baseCommit: before },
  })
  expect(run.outputs.sum).toMatch(/^[0-9a-f]{64}$/)
  const stranger = await ended(other)
  expect(stranger.origin!.git).toMatchObject({ repositoryId: '', commit, branch: 'main' })
  expect(stranger.outputs).toEqual({ sum: '' })
  const asked = { repositoryId, ref: commit, pageSize: 1 }
  const [listed] = (await owner.client(RepositoryService).listCommits(asked)).commits
  expect(listed!.runs.map(({ id }) => id).sort()).toEqual([run.id, pushed!.id].sort())
}, 120_000)

test('files of the commit are looked at before the run begins, by whomever and for whatever it is started', async () => {
  const locks = `$\{{ hashFiles('**/*.lock', '!vendor/**') }}`
  const done = 'uses: wait, with: { until: "2020-01-01T00:00:00Z" }'
  const callee = `name: child\non: { push: false }\noutputs: { locks: "${locks}" }\nsteps: { it: { ${done} } }\n`
  const build = `name: build
on: { push: true }
env: { KEY: "${locks}" }
steps:
  one: { name: "with ${locks}", ${done} }
  none: { ${done}, when: "hashFiles('Cargo.toml') != ''" }
  call: { needs: [one], uses: pipeline, with: { pipeline: child } }
`
  await using world = await World.start({
    '.ansflow/a.yaml': callee,
    '.ansflow/build.yaml': build,
    'a.lock': 'a\n',
    'vendor/b.lock': 'b\n',
  })
  const { owner, origin } = world
  await world.connect()
  await world.published(2)
  const runs = owner.client(RunService)
  const ended = async (runId: string) => {
    const read = async () => (await runs.getRun({ runId })).run!
    await waitFor(async () => isTerminal((await read()).status), 30_000)
    return read()
  }
  const hashOf = (...paths: string[]) => {
    const lines = paths.map((path) => `${path}\0${origin.git('rev-parse', `HEAD:${path}`)}\n`)
    return createHash('sha256').update(lines.join('')).digest('hex')
  }
  const seen = ({ steps }: Run) => steps.map(({ id, name, status }) => [id, name, StepStatus[status]])
  const found = (hash: string) => [
    ['one', `with ${hash}`.trim(), 'SUCCEEDED'],
    ['none', 'none', 'SKIPPED'],
    ['call', 'call', 'SUCCEEDED'],
  ]
  const before = origin.git('rev-parse', 'HEAD')
  const after = origin.commit('c/d.lock', 'd\n')
  const hash = hashOf('a.lock', 'c/d.lock')
  const delivery = await world.delivery((await world.pushed(before, after)).body.delivery!)
  const pushed = await ended(delivery.decisions.find(({ runId }) => runId !== '')!.runId)
  expect(seen(pushed)).toEqual(found(hash))
  const child = (await world.runs()).find(({ pipelineName }) => pipelineName === 'child')!
  expect((await ended(child.id)).outputs).toEqual({ locks: hash })

  // By hand for an older commit, and for a branch whose commit has to be found first.
  const { pipelineId } = pushed
  const { repositoryId } = world
  const start = async (git: MessageInitShape<typeof GitFactsSchema>) =>
    ended((await runs.startRun({ pipelineId, git: { repositoryId, ...git } })).run!.id)
  const ofOlder = await start({ commit: before, fileHashes: { '["Cargo.toml"]': 'ab'.repeat(32) } })
  const [older] = seen(ofOlder)[0]!.slice(1)
  expect(seen(ofOlder)).toEqual(found(older!.slice(5)))
  expect(older).toMatch(/^with [0-9a-f]{64}$/)
  expect(older).not.toBe(`with ${hash}`)
  const last = origin.commit('Cargo.toml', '\n')
  const ofBranch = await start({ branch: 'main' })
  expect(ofBranch.origin!.git).toMatchObject({ commit: last, branch: 'main' })
  expect(seen(ofBranch)[1]).toEqual(['none', 'none', 'SUCCEEDED'])
  // Of a release whose tag there is not, or not yet, nothing is to be built.
  expect(seen(await start({ event: 'release', tag: 'v9' }))).toEqual(found(''))
  // Again is again; without a repository there are no files.
  expect(seen(await ended((await runs.rerunRun({ runId: pushed.id })).run!.id))).toEqual(found(hash))
  expect(seen(await ended((await runs.startRun({ pipelineId })).run!.id))).toEqual(found(''))
  await expect(start({ commit: 'ab'.repeat(20) })).rejects.toThrow('cannot be read')
  const explain = owner.client(ExplainService)
  const asked = { pipelineId, origin: { git: { commit: before } } }
  expect((await explain.explainRun(asked)).steps.map(({ name }) => name)[0]).toBe(older)
  expect((await explain.explainRun({ pipelineId })).steps[0]!.name).toBe(`with ${hash}`)
  // Kept in AnsFlow, nothing tells it of a commit.
  const yaml = `name: kept\nsteps:\n  it: { ${done}, when: "hashFiles('go.sum') == ''" }\n`
  const pipelines = owner.client(PipelineService)
  const applied = await pipelines.applyPipeline({ projectId: world.projectId, yaml })
  const warned = { code: 'hash_files_none', stepId: 'it', field: 'when', severity: Severity.WARNING }
  expect(applied.problems).toMatchObject([{ ...warned, line: 3 }])
  const published = await pipelines.publishPipeline({ pipelineId: applied.pipeline!.id })
  expect(published.problems).toMatchObject([warned])
}, 120_000)

test('a file may run the pipelines of its own project, and those of no other', async () => {
  const calling = (pipeline: string) =>
    `name: build\non: { push: true }\nsteps:\n  call: { uses: pipeline, with: { pipeline: "${pipeline}" } }\n`
  const done = 'steps:\n  it: { uses: wait, with: { until: "2020-01-01T00:00:00Z" } }\n'
  await using world = await World.start({ README: 'x\n' })
  const { owner, controller } = world
  const elsewhere = await controller.addProject()
  const { project } = await owner.client(ProjectService).getProject({ projectId: elsewhere })
  for (const projectId of [world.projectId, elsewhere]) {
    await owner.client(PipelineService).applyPipeline({ projectId, yaml: `name: child\n${done}`, publish: true })
  }
  world.origin.commit('ansflow.yaml', calling('child'))
  // Those that a later file makes, too, of which one runs another that comes later still.
  const chain = (name: string, runs: string) =>
    calling(runs).replace('build', name).replace('true', '{ branches: [none] }')
  world.origin.commit('.ansflow/a.yaml', chain('a', 'b'))
  world.origin.commit('.ansflow/b.yaml', chain('b', 'c'))
  world.origin.commit('.ansflow/c.yaml', `name: c\n${done}`)
  await world.connect()
  await world.published(5)
  const before = world.origin.git('rev-parse', 'HEAD')
  const runOf = async (ref: string) => {
    const after = world.origin.git('rev-parse', 'HEAD')
    const delivery = await world.delivery((await world.pushed(before, after, ref)).body.delivery!)
    const { runId } = delivery.decisions.find(({ path }) => path !== '')!
    const read = async () => (await owner.client(RunService).getRun({ runId })).run!
    await waitFor(async () => isTerminal((await read()).status), 30_000)
    return read()
  }
  const says = ({ steps }: Run) => steps.map(({ status, reasonInfo }) => [status, reasonInfo?.code ?? ''])
  world.origin.commit('code.c', 'int main;\n')
  const published = await runOf('refs/heads/main')
  expect({ version: published.version, says: says(published) }).toEqual({
    version: 1,
    says: [[StepStatus.SUCCEEDED, 'child_ended']],
  })
  // Of a branch, where the file is no version.
  world.origin.git('checkout', '--quiet', '-b', 'next')
  world.origin.commit('ansflow.yaml', `${calling('child')}env: { A: b }\n`)
  const branched = await runOf('refs/heads/next')
  expect({ version: branched.version, says: says(branched) }).toEqual({ version: 0, says: says(published) })
  world.origin.git('checkout', '--quiet', '-b', 'far')
  world.origin.commit('ansflow.yaml', calling(`${project!.slug}/child`))
  expect(says(await runOf('refs/heads/far'))).toEqual([[StepStatus.FAILED, 'child_missing']])
}, 120_000)

test('what is pushed to a server that says nothing is noticed, once, also beside its hook', async () => {
  await using world = await World.start()
  await world.connect()
  await world.published(1)
  const repositories = world.owner.client(RepositoryService)
  const { repositoryId } = world
  const first = world.origin.git('rev-parse', 'HEAD')
  const deliveries = async () =>
    (await world.owner.client(DeliveryService).listRepositoryDeliveries({ repositoryId })).deliveries
  const look = async () => {
    const before = (await repositories.getRepository({ repositoryId })).repository!.readAt
    await repositories.refreshRepository({ repositoryId })
    await waitFor(async () => {
      const { readAt } = (await repositories.getRepository({ repositoryId })).repository!
      return JSON.stringify(readAt, text) !== JSON.stringify(before, text)
    }, 20_000)
  }
  const text = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)
  const kept = async () => (await world.controller.db.em().execute('select refs from repository_refs')).length === 1
  await waitFor(kept, 20_000)

  const second = world.origin.commit('code.c', 'int main;\n')
  await look()
  await waitFor(async () => (await deliveries())[0]?.result === RepositoryDeliveryResult.STARTED, 20_000)
  const [noticed] = await deliveries()
  expect(noticed).toMatchObject({ event: 'poll', ref: 'main', commit: second })
  expect((await world.runs())[0]!.origin!.git).toMatchObject({ commit: second, before: first, baseCommit: first })

  const third = world.origin.commit('code.c', 'int main();\n')
  const { body } = await world.pushed(second, third)
  await world.delivery(body.delivery!)
  await look()
  await look()
  expect((await deliveries()).map(({ event }) => event)).toEqual(['push', 'poll'])
  expect(await world.runs()).toHaveLength(2)
}, 120_000)
