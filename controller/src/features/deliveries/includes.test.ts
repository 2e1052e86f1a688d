// Files that pipelines of a repository include: they are of the same commit, and no pipelines themselves.
import { Role } from '@ansflow/proto/access'
import { DeliveryService, RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ForgeWorld, said } from '../../../test/forge-world.ts'
import { waitFor } from '../../../test/wait-for.ts'

const templatesAt = '.ansflow/templates.yaml'
const templates = (script: string) => `templates:\n  build:\n    steps: { make: { run: ${script} } }\n`
const pipeline = `name: build
on: { push: { branches: ['**'] }, pullRequest: {} }
include: [${templatesAt}]
steps: { web: { uses: template, with: { template: build } } }
`

let world: ForgeWorld

beforeAll(async () => {
  world = await ForgeWorld.start({ files: { [templatesAt]: templates('first'), 'ansflow.yaml': pipeline } })
}, 60_000)
afterAll(() => world[Symbol.asyncDispose]())

const pipelines = () => world.owner.client(PipelineService)
const runs = () => world.owner.client(RunService)

async function build() {
  const { pipelines: all } = await pipelines().listPipelines({ projectId: world.projectId })
  expect(all.map(({ name }) => name)).toEqual(['build'])
  return all[0]!
}

/** What the newest run does, and of which version it is. */
async function newestRun() {
  const [run] = await world.runs()
  const { graph } = await runs().getRun({ runId: run!.id })
  return { version: run!.version, scripts: graph!.steps.map((step) => step.with?.script), uses: graph!.templateUses }
}

async function pushed(path: string, text: string, branch = 'main') {
  const before = world.head()
  const after = world.commit(path, text)
  return world.decided(await world.sendPush(before, after, `refs/heads/${branch}`))
}

test('a file of templates is no pipeline, and a push that changes it alone makes a version', async () => {
  const { id: pipelineId, latestVersion, draftChanged } = await build()
  expect([latestVersion, draftChanged]).toEqual([1, false])
  const delivery = await pushed(templatesAt, templates('second'))
  expect(said(delivery)).toEqual({ build: 'started' })
  expect(await newestRun()).toMatchObject({
    version: 2,
    scripts: ['second'],
    uses: [{ key: 'web', template: 'build', source: { file: templatesAt } }],
  })
  expect(await build()).toMatchObject({ latestVersion: 2, draftChanged: false })
  const old = await pipelines().getPipeline({ pipelineId, version: 1 })
  expect(old.graph!.included).toMatchObject([{ template: { steps: [{ with: { script: 'first' } }] } }])
  expect(old.yaml).toBe(pipeline)
  const { run } = await runs().startRun({ pipelineId, version: 1 })
  const { graph } = await runs().getRun({ runId: run!.id })
  expect(graph!.steps[0]!.with).toEqual({ script: 'first' })
  // A push that changes neither makes none.
  await pushed('README.md', 'x\n')
  expect((await newestRun()).version).toBe(2)
  expect(world.forge.statuses ?? []).not.toContainEqual(expect.objectContaining({ state: 'failed' }))
})

test('a branch has the file that it has, and what is missing is told where it is included', async () => {
  world.origin.git('checkout', '--quiet', '-b', 'topic')
  await pushed(templatesAt, templates('branch'), 'topic')
  expect(await newestRun()).toMatchObject({ version: 0, scripts: ['branch'] })
  world.origin.git('rm', '--quiet', templatesAt)
  const delivery = await pushed('README.md', 'y\n', 'topic')
  expect(delivery.result).toBe(RepositoryDeliveryResult.NOTHING)
  expect(delivery.decisions).toMatchObject([{ path: 'ansflow.yaml', runId: '' }])
  expect(delivery.decisions[0]!.reason).toContain(`The repository has no file "${templatesAt}" at this commit.`)
  world.origin.git('checkout', '--quiet', 'main')
  expect((await build()).latestVersion).toBe(2)
})

test('a draft has the files of the default branch, and its includes are read, nested, and refused in a circle', async () => {
  const { id: pipelineId } = await build()
  const { run } = await runs().startRun({ pipelineId, draft: true })
  expect((await runs().getRun({ runId: run!.id })).graph!.steps[0]!.with).toEqual({ script: 'second' })
  world.write('ci/b.yaml', 'include: ci/a.yaml\ntemplates: { two: { steps: { b: { run: two } } } }\n')
  world.write('ci/a.yaml', 'include: [{ file: ci/b.yaml }]\n')
  world.write('ci/plain.yaml', `${pipeline}`)
  const before = world.origin.git('rev-parse', 'origin/main')
  const head = world.commit('ci/bad.yaml', 'templates:\n  t:\n    steps: { a: { run: x, runs_on: y } }\n')
  await world.decided(await world.sendPush(before, head))
  const ask = (file: string) => pipelines().getIncludedTemplates({ pipelineId, include: [{ file }] })
  const circle = await ask('ci/b.yaml')
  expect(circle.included.map(({ template, source }) => [template!.name, source!.file])).toEqual([['two', 'ci/b.yaml']])
  expect(circle.problems.map(({ message }) => message)).toEqual([
    'In ci/a.yaml, at include.0: Files include each other in a circle: ci/b.yaml → ci/a.yaml → ci/b.yaml. Take one of these includes out.',
  ])
  expect((await ask('ci/plain.yaml')).problems.map(({ code, severity }) => [code, severity])).toEqual([
    ['include_file', Severity.ERROR],
  ])
  expect((await ask('ci/bad.yaml')).problems[0]!.message).toMatch(
    /^In ci\/bad\.yaml, line 3: A step has no key "runs_on"/,
  )
  expect((await ask('../x.yaml')).problems).toEqual([])
  expect((await ask('ci/bat.yaml')).problems[0]!.message).toContain('Did you mean "ci/bad.yaml"?')
  expect((await ask('ci/bad.yaml')).files).toEqual([templatesAt])
})

test('a file of the repository is included for whoever may read the repository', async () => {
  const { id: pipelineId } = await build()
  const with_ = async (scopes: string[]) =>
    world.controller.as(await world.controller.addUser({ role: Role.OWNER, scopes })).client(PipelineService)
  const narrow = await with_(['pipeline.read'])
  const file = { pipelineId, include: [{ file: templatesAt }] }
  await expect(narrow.getIncludedTemplates(file)).rejects.toThrow('repository.read')
  await expect(narrow.getIncludedTemplates({ pipelineId, include: [{ file: 'deploy/none.yaml' }] })).rejects.toThrow(
    'repository.read',
  )
  expect(await narrow.getIncludedTemplates({ pipelineId, include: [] })).toMatchObject({ files: [], problems: [] })
  const wide = await with_(['pipeline.read', 'repository.read'])
  expect((await wide.getIncludedTemplates(file)).included).toHaveLength(1)
})

test("a fork's commit has the fork's file once somebody trusts it, and changes nothing of the project", async () => {
  const { origin, repositoryId } = world
  const { latestVersion } = await build()
  origin.git('checkout', '--quiet', '-B', 'theirs', 'main')
  const commit = world.write(templatesAt, templates('fork'))
  origin.git('push', '--quiet', 'origin', 'HEAD:refs/pull/7/head')
  origin.git('checkout', '--quiet', 'main')
  const pull_request = {
    ...{ number: 7, title: 'x', html_url: `${world.forge.url}/acme/shop/pull/7`, draft: false, merged: false },
    ...{ labels: [], user: { login: 'mallory' } },
    head: { ref: 'fast', sha: commit, repo: { full_name: 'mallory/shop' } },
    base: { ref: 'main', sha: world.head(), repo: { full_name: 'acme/shop' } },
  }
  const known = (await world.runs()).length
  const waits = await world.decided(await world.send('pull_request', { action: 'opened', number: 7, pull_request }))
  expect(waits.result).toBe(RepositoryDeliveryResult.WAITS)
  expect(await world.runs()).toHaveLength(known)
  await world.owner.client(DeliveryService).trustCommit({ repositoryId, pullRequest: 7, commit })
  await waitFor(async () => (await world.runs()).length > known, 30_000)
  expect(await newestRun()).toMatchObject({ version: 0, scripts: ['fork'] })
  expect((await build()).latestVersion).toBe(latestVersion)
})
