import { type ExplainEventRequest, RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { ExplainedOutcome, ExplainService } from '@ansflow/proto/gen/ansflow/v1/explain_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RepositoryService, type Tag } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ForgeWorld, happened } from '../../../test/forge-world.ts'
import { RepositoryDeliveryEntity } from './delivery.entity.ts'

const { STARTED, NOTHING } = RepositoryDeliveryResult
const step = 'steps: { one: { run: "true" } }\n'

let world: ForgeWorld

beforeAll(async () => {
  world = await ForgeWorld.start({
    files: {
      'ansflow.yaml': `name: build
on:
  push: { branches: [main], inputs: { who: "\${{ git.author }}" } }
  pullRequest: {}
inputs: { who: { type: string }, often: { type: number, default: 3 } }
steps: { one: { run: "true", when: "\${{ changed('docs/**') }}" } }
`,
    },
  })
}, 60_000)
afterAll(() => world[Symbol.asyncDispose]())

const bodyOf = (before: string, after: string) =>
  JSON.stringify({
    repository: { full_name: 'acme/shop' },
    sender: { login: 'ann' },
    ref: 'refs/heads/main',
    before,
    after,
  })
const pasted = (body: string, event = 'push'): ExplainEventRequest['event'] => ({
  case: 'pasted',
  value: { $typeName: 'ansflow.v1.PastedEvent', event, body },
})
const pushed = (state: { branch?: string; tag?: string; commit?: string }): ExplainEventRequest['event'] => ({
  case: 'pushed',
  value: { $typeName: 'ansflow.v1.PushedState', branch: '', tag: '', commit: '', ...state },
})
const pipelines = async () => {
  const { pipelines: found } = await world.owner.client(PipelineService).listPipelines({ projectId: world.projectId })
  return found.map(({ name, latestVersion }) => `${name} ${latestVersion}`).sort()
}

test('what is pasted says beforehand what the delivery then starts, and leaves nothing behind', async () => {
  const before = world.head()
  world.write('docs/a.md', 'a\n')
  world.write('ansflow.yaml', `name: build\non: { push: true }\n${step}`)
  world.write('.ansflow/one.yaml', `name: twin\non: { push: true }\n${step}`)
  world.write('.ansflow/two.yaml', `name: twin\non: { push: true }\n${step}`)
  world.write('.ansflow/three.yaml', `name: timed\non: { push: true, schedule: [{ cron: "61 * * * *" }] }\n${step}`)
  world.write(
    '.ansflow/four.yaml',
    `name: asks\non: { push: { inputs: { must: "\${{ git.author }}" } } }\ninputs: { must: { type: number, default: 5 } }\n${step}`,
  )
  const after = world.commit('.ansflow/five.yaml', `name: build\non: { push: true }\n${step}`)
  const known = { pipelines: await pipelines(), runs: (await world.runs()).length }
  const repository = await world.repository()
  const foreseen = await world.explained(pasted(bodyOf(before, after)))
  expect(foreseen.said).toEqual({
    build: 'started',
    twin: 'started',
    '.ansflow/two.yaml': 'delivery_name',
    '.ansflow/five.yaml': 'delivery_name',
    '.ansflow/three.yaml': 'delivery_file',
    asks: 'delivery_input',
  })
  expect({ pipelines: await pipelines(), runs: (await world.runs()).length }).toEqual(known)
  expect(await world.repository()).toEqual(repository)
  expect(await world.controller.db.em().count(RepositoryDeliveryEntity)).toBe(0)
  expect(happened(await world.pushed(before, after))).toEqual(foreseen)
  expect(await pipelines()).toEqual(['asks 1', 'build 2', 'twin 1'])
})

test('each pipeline that would start says what its run would be for', async () => {
  const before = world.head()
  const file = `name: build
on: { push: { inputs: { who: "\${{ git.author }}" } } }
inputs: { who: { type: string }, often: { type: number, default: 3 } }
steps:
  one: { run: "true", when: "\${{ changed('docs/**') && hashFiles('docs/b.md') != '' }}" }
`
  world.write('ansflow.yaml', file)
  const after = world.commit('docs/b.md', 'b\n')
  const { events } = await world.explain(pushed({ branch: 'main' }))
  const [event] = events
  expect(event).toMatchObject({
    result: STARTED,
    ref: 'main',
    commit: after,
    git: { before: world.origin.git('rev-parse', 'HEAD~1'), changedCount: 1, message: 'change docs/b.md' },
    changedFiles: ['docs/b.md'],
    changedKnown: true,
  })
  const build = event!.starts.find(({ pipelineName }) => pipelineName === 'build')
  expect(build).toMatchObject({
    starts: true,
    version: 3,
    inputs: { who: 'T <t@localhost>', often: 3 },
    origin: { git: { commit: after, changed: { '["docs/**"]': true } } },
  })
  // Its steps, as the file is at that commit and as the event has it.
  const asked = {
    pipelineId: build!.pipelineId,
    commit: build!.fileCommit,
    origin: build!.origin!,
    inputs: build!.inputs!,
  }
  const told = await world.owner.client(ExplainService).explainRun({ ...asked, changedFiles: event!.changedFiles })
  expect(told.steps).toMatchObject([{ id: 'one', outcome: ExplainedOutcome.RUNS }])
  expect(told.changes).toMatchObject([{ changed: true, assumed: false, files: ['docs/b.md'] }])
  const isThere = told.steps[0]!.expressions[0]!.pieces.find(({ source }) => source.startsWith('hashFiles'))
  expect(isThere?.value?.kind).toEqual({ case: 'boolValue', value: true })
  const other = await world.owner.client(ExplainService).explainRun({ ...asked, changedFiles: ['code.c'] })
  expect(other.steps).toMatchObject([{ outcome: ExplainedOutcome.SKIPPED }])
  await expect(world.owner.client(ExplainService).explainRun({ ...asked, commit: 'ab'.repeat(20) })).rejects.toThrow(
    'commit',
  )
  // And the run gets the same.
  await world.pushed(before, after)
  const run = (await world.runs()).find(({ pipelineName }) => pipelineName === 'build')
  expect(run).toMatchObject({ version: 3, inputs: { who: 'T <t@localhost>', often: 3 } })
})

test('a commit, a tag and a pull request can be chosen', async () => {
  const older = world.origin.git('rev-parse', 'HEAD~1')
  const { events } = await world.explain(pushed({ branch: 'main', commit: older }))
  expect(events[0]).toMatchObject({ commit: older, changedFiles: ['ansflow.yaml'] })
  world.origin.git('tag', 'v1')
  world.origin.git('push', '--quiet', 'origin', 'v1')
  await expect(world.explain(pushed({ tag: 'v2' }))).rejects.toThrow('tag "v2"')
  expect((await world.explained(pushed({ tag: 'v1' }))).said).toMatchObject({ build: 'gate_tags_none' })
  await expect(world.explain(pushed({ branch: 'none' }))).rejects.toThrow('branch "none"')
  await expect(world.explain({ case: 'pullRequest', value: 99 })).rejects.toThrow('#99')
  await expect(world.explain({ case: 'deliveryId', value: 'none' })).rejects.toThrow('delivery')
})

test('a tag is listed and explained by its own commit, on a branch or on none', async () => {
  const main = world.head()
  world.origin.git('checkout', '--quiet', '--detach')
  const alone = world.write('ansflow.yaml', `name: build\non: { push: { branches: [main], tags: ["v*"] } }\n${step}`)
  world.origin.git('tag', '-m', 'the tenth', 'v1.10')
  world.origin.git('tag', 'v1.9', main)
  world.origin.git('push', '--quiet', 'origin', 'v1.10', 'v1.9')
  world.origin.git('checkout', '--quiet', 'main')
  const { repositoryId } = world
  const { events } = await world.explain(pushed({ tag: 'v1.10' }))
  expect(events[0]).toMatchObject({ ref: 'v1.10', commit: alone, changedKnown: false })
  expect(events[0]!.git).toMatchObject({
    event: 'tag',
    ref: 'refs/tags/v1.10',
    tag: 'v1.10',
    branch: '',
    commit: alone,
  })
  expect(events[0]!.starts.find(({ pipelineName }) => pipelineName === 'build')).toMatchObject({
    starts: true,
    fileCommit: alone,
    origin: { git: { tag: 'v1.10', branch: '', commit: alone } },
  })
  expect((await world.explained(pushed({ tag: 'v1.9' }))).said).toMatchObject({ build: 'gate_tags_none' })

  const repositories = world.owner.client(RepositoryService)
  const named = (tags: Tag[]) => tags.map(({ name, commit }) => [name, commit?.id])
  const first = await repositories.listTags({ repositoryId, text: 'v1.', pageSize: 1 })
  expect([named(first.tags), first.total]).toEqual([[['v1.10', alone]], 2])
  const second = await repositories.listTags({ repositoryId, text: 'v1.', pageSize: 1, pageToken: first.nextPageToken })
  expect([named(second.tags), second.nextPageToken]).toEqual([[['v1.9', main]], ''])
  expect((await repositories.listTags({ repositoryId, text: 'none' })).total).toBe(0)
})

test('a body says where it is wrong', async () => {
  const body = '{\n  "ref": refs/heads/main\n}'
  await expect(world.explain(pasted(body))).rejects.toThrow('look at line 2, column 10')
  const lacking = await world.explained(pasted('{"repository":{"full_name":"acme/shop"},"ref":7}'))
  expect(lacking).toMatchObject({ result: NOTHING, why: 'delivery_incomplete', said: {} })
  const { events } = await world.explain(pasted('{"repository":{"full_name":"acme/shop"},"ref":7}'))
  expect(events[0]!.problem).toContain('ref')
  expect(await world.explained(pasted('{}', 'ping'))).toMatchObject({ result: NOTHING, why: 'delivery_ping' })
})
