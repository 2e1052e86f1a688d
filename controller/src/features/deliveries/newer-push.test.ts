// Two who take two pushes of one repository at once: whatever their order, the later push is what the pipelines are.
import { RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { ForgeWorld, said } from '../../../test/forge-world.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { readAllowed } from '../../platform/outbound-rules.ts'
import type { StatementTap } from '../../platform/statement-tap.ts'

// Two pushes are taken, beside whatever else the machine does.
vi.setConfig({ testTimeout: 60_000 })

const { STARTED } = RepositoryDeliveryResult
const build = (script: string) => `name: build\non: { push: {} }\nsteps: { one: { run: "${script}" } }\n`
const docs = (script: string) => build(script).replace('build', 'docs')
const paths = { build: '.ansflow/build.yaml', docs: '.ansflow/docs.yaml' }

/** Holds whoever looks for the pipeline of this file, the first time. */
let held: { path: string; reached(): void; go: Promise<void> } | undefined
const tap: StatementTap = async (sql, run) => {
  const gate = held
  if (gate && /^select .* from .pipeline. /.test(sql) && sql.includes(`'${gate.path}'`)) {
    held = undefined
    gate.reached()
    await gate.go
  }
  return run()
}

let world: ForgeWorld
let scripts = 0
beforeAll(async () => {
  world = await ForgeWorld.start({
    files: { [paths.build]: build('0'), [paths.docs]: docs('0') },
    // A file: who reads one holds up nobody.
    controller: { file: true, overrides: { statementTap: tap }, config: { outboundAllowed: readAllowed('127.0.0.1') } },
  })
}, 60_000)
afterAll(() => world[Symbol.asyncDispose]())
beforeEach(() => {
  held = undefined
})

async function latest(name: string) {
  const pipelines = world.owner.client(PipelineService)
  const found = (await pipelines.listPipelines({ projectId: world.projectId })).pipelines
  const { id: pipelineId, latestVersion: version, draftChanged } = found.find((each) => each.name === name)!
  const { yaml } = await pipelines.getPipeline({ pipelineId, version })
  return { yaml, draft: (await pipelines.getPipeline({ pipelineId })).yaml, draftChanged }
}

test.each(['build', 'docs'] as const)(
  'who is held up at the file of %s makes no version of an older push',
  async (name) => {
    const [older, newer] = [String(++scripts), String(++scripts)]
    const before = world.head()
    world.write(paths.build, build(older))
    const first = world.commit(paths.docs, docs(older))
    const { promise: reached, resolve } = Promise.withResolvers<void>()
    const { promise: go, resolve: goOn } = Promise.withResolvers<void>()
    held = { path: paths[name], reached: resolve, go }
    const answer = await world.sendPush(before, first)
    await reached
    world.write(paths.build, build(newer))
    const second = world.commit(paths.docs, docs(newer))
    const { repositoryId } = world
    await world.owner.client(RepositoryService).refreshRepository({ repositoryId })
    await waitFor(async () => (await world.repository()).headCommit === second, 20_000)
    goOn()
    const delivery = await world.decided(answer)
    expect(delivery).toMatchObject({ result: STARTED, commit: first })
    expect(said(delivery)).toEqual({ build: 'started', docs: 'started' })
    expect(await latest('build')).toEqual({ yaml: build(newer), draft: build(newer), draftChanged: false })
    expect(await latest('docs')).toEqual({ yaml: docs(newer), draft: docs(newer), draftChanged: false })
  },
)

test('a push that is taken back while its files are taken is not what a pipeline stays', async () => {
  const { yaml: before } = await latest('docs')
  const head = world.head()
  const script = String(++scripts)
  world.write(paths.build, build(script))
  const first = world.commit(paths.docs, docs(script))
  const { promise: reached, resolve } = Promise.withResolvers<void>()
  const { promise: go, resolve: goOn } = Promise.withResolvers<void>()
  // The server has been asked by then, for both files.
  held = { path: paths.docs, reached: resolve, go }
  const answer = await world.sendPush(head, first)
  await reached
  const second = world.commit(paths.docs, before)
  await world.owner.client(RepositoryService).refreshRepository({ repositoryId: world.repositoryId })
  await waitFor(async () => (await world.repository()).headCommit === second, 20_000)
  expect((await latest('docs')).yaml).toBe(before)
  goOn()
  expect(said(await world.decided(answer))).toEqual({ build: 'started', docs: 'started' })
  expect(await latest('docs')).toEqual({ yaml: before, draft: before, draftChanged: false })
  expect((await latest('build')).yaml).toBe(build(script))
})
