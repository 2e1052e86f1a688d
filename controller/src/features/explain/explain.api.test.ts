// Explaining by the API: for versions and drafts, with what is assumed of the event, and with nothing left behind.
import { Role } from '@ansflow/proto/access'
import {
  ExplainedOutcome,
  ExplainedPieceKind,
  type ExplainRunRequestSchema,
  ExplainService,
} from '@ansflow/proto/gen/ansflow/v1/explain_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { type MessageInitShape, toJson } from '@bufbuild/protobuf'
import { ValueSchema } from '@bufbuild/protobuf/wkt'
import { Code } from '@connectrpc/connect'
import { expect, test } from 'vitest'
import { waitFor } from '../../../test/wait-for.ts'
import { AgentWorld } from '../agents/test/agent-world.ts'

const file = `name: explained
inputs: { level: { type: choice, options: [low, high], default: low } }
steps:
  build: { run: make, outputs: [v] }
  test: { needs: [build], runsOn: [gpu], run: t, workspace: own }
  deep: { needs: [build], when: "\${{ inputs.level == 'high' }}", run: d }
  main: { needs: [build], when: "\${{ git.branch == 'main' && run.trigger == 'schedule' }}", run: 'm \${{ steps.build.outputs.v }}' }
`

const changedFile = `name: explained
inputs: { level: { type: choice, options: [low, high], default: low } }
steps:
  build: { run: make, outputs: [v] }
  src: { run: s, when: 'changed("src/**", "!**/*.md")' }
`

test('a version and a draft, for inputs, git facts and a cause, where agents are and none is', async () => {
  await using world = await AgentWorld.start()
  const { controller } = world
  const projectId = await controller.addProject()
  const viewer = await controller.addUser({ role: Role.VIEWER })
  const pipelines = controller.as(controller.owner).client(PipelineService)
  const { pipeline, problems } = await pipelines.applyPipeline({ projectId, yaml: file, publish: true })
  expect(problems.map(({ code }) => code)).not.toContain('error')
  const pipelineId = pipeline!.id
  const agent = await world.register()
  const control = agent.control()
  await control.hello()
  const ask = (request: MessageInitShape<typeof ExplainRunRequestSchema> = {}) =>
    controller
      .as(viewer)
      .client(ExplainService)
      .explainRun({ pipelineId, ...request })
  const outcomes = async (request?: MessageInitShape<typeof ExplainRunRequestSchema>) =>
    (await ask(request)).steps.map(({ id, outcome, wave }) => `${id} ${ExplainedOutcome[outcome]} ${wave}`)

  expect(await outcomes()).toEqual(['build RUNS 1', 'test RUNS 2', 'deep SKIPPED 0', 'main SKIPPED 0'])
  const high = await outcomes({
    inputs: { level: 'high' },
    origin: { git: { branch: 'main' }, cause: { case: 'schedule', value: { name: 'nightly' } } },
  })
  expect(high).toEqual(['build RUNS 1', 'test RUNS 2', 'deep RUNS 2', 'main RUNS 2'])
  const { steps, version } = await ask({ origin: { git: { branch: 'main' }, cause: { case: 'schedule', value: {} } } })
  expect(version).toBe(1)
  const [build, test, deep, main] = steps
  expect(build?.place).toMatchObject({ workspace: 'shared', labels: [], agents: ['fake'] })
  expect(test?.place).toMatchObject({ labels: ['gpu'], agents: [], reasonInfo: { code: 'labels_missing' } })
  expect(test?.place?.refused).toMatchObject([{ name: 'fake', offline: false, draining: false, lacks: ['gpu'] }])
  expect(build?.place?.refused).toEqual([])
  expect(deep).toMatchObject({ reasonInfo: { code: 'when_false' } })
  expect(
    main?.expressions.map(({ field, value, waitsFor }) => [field, value && toJson(ValueSchema, value), waitsFor]),
  ).toEqual([
    ['when', true, []],
    ['with.script', undefined, ['build']],
  ])
  const branchAndTrigger = main?.expressions[0]?.pieces.map(({ depth, kind, source, value, reads }) => [
    depth,
    ExplainedPieceKind[kind],
    source,
    value && toJson(ValueSchema, value),
    reads.map((read) => read.source),
  ])
  expect(branchAndTrigger).toEqual([
    [0, 'ALL', "git.branch == 'main' && run.trigger == 'schedule'", true, []],
    [1, 'PLAIN', "git.branch == 'main'", true, ['git.branch']],
    [1, 'PLAIN', "run.trigger == 'schedule'", true, ['run.trigger']],
  ])
  expect((await ask({ draft: true, failing: ['build'] })).steps.map(({ outcome }) => outcome)).toEqual([
    ExplainedOutcome.RUNS,
    ...Array(3).fill(ExplainedOutcome.SKIPPED),
  ])

  // What has changed is looked up in the paths that are given; without any, and nothing known, it counts as changed.
  const changes = async (request: MessageInitShape<typeof ExplainRunRequestSchema>) => {
    const found = await ask(request)
    const told = found.changes.map(({ patterns, changed, assumed, files, count }) => [
      patterns.join(' '),
      changed,
      assumed,
      files.join(' '),
      count,
    ])
    return [...told, found.steps.filter(({ outcome }) => outcome === ExplainedOutcome.RUNS).map(({ id }) => id)]
  }
  await pipelines.applyPipeline({ projectId, yaml: changedFile, publish: true })
  expect(await changes({})).toEqual([
    ['src/** !**/*.md', true, true, '', 0],
    ['build', 'src'],
  ])
  expect(await changes({ changedFiles: ['src/a.ts', 'src/b.md'] })).toEqual([
    ['src/** !**/*.md', true, false, 'src/a.ts', 1],
    ['build', 'src'],
  ])
  expect(await changes({ changedFiles: ['src/b.md'] })).toEqual([['src/** !**/*.md', false, false, '', 0], ['build']])
  const changed = { '["src/**","!**/*.md"]': false }
  expect(await changes({ origin: { git: { changed } } })).toEqual([['src/** !**/*.md', false, false, '', 0], ['build']])
  await expect(ask({ changedFiles: [''] })).rejects.toMatchObject({ code: Code.InvalidArgument })

  await expect(ask({ inputs: { level: 'none' } })).rejects.toMatchObject({ code: Code.InvalidArgument })
  await expect(ask({ version: 9 })).rejects.toMatchObject({ code: Code.NotFound })
  await expect(ask({ origin: { git: { commit: 'x' } } })).rejects.toMatchObject({ code: Code.InvalidArgument })
  // Nobody was asked for anything, and the next run has the number that was next before.
  expect((await controller.as(viewer).client(RunService).listRuns({ projectId })).runs).toEqual([])
  expect(control.heard).toEqual([])
  const { run } = await world.runs.startRun({ pipelineId })
  expect(run!.number).toBe(1)
})

test('what would have to be waited for now is told, of the run and of a step, and nothing is asked for', async () => {
  await using world = await AgentWorld.start()
  const { controller } = world
  const projectId = await controller.addProject()
  const pipelines = controller.as(controller.owner).client(PipelineService)
  const ask = (pipelineId: string) => controller.as(controller.owner).client(ExplainService).explainRun({ pipelineId })
  const apply = async (name: string, rest: string) => {
    const yaml = `name: ${name}\n${rest}`
    return (await pipelines.applyPipeline({ projectId, yaml, publish: true })).pipeline!.id
  }
  const grouped = 'concurrency: { group: main }\nsteps: { a: { run: a, locks: [db, disk] } }\n'
  const first = await apply('first', grouped)
  const second = await apply('second', grouped.replace('group: main', 'group: "${{ run.pipeline }}"'))
  const free = await ask(first)
  expect([free.wait, free.steps[0]?.wait]).toEqual(['', ''])

  const { run } = await world.runs.startRun({ pipelineId: first })
  await waitFor(async () => (await ask(first)).steps[0]?.wait !== '')
  const held = 'Waits for lock db: held by step a of run #1 of first.'
  const again = await ask(first)
  expect([again.wait, again.steps[0]?.wait]).toEqual(['Waits for run #1 of first (group main).', held])
  expect(again.steps[0]?.waitInfo?.params.run).toBe(run!.id)
  const other = await ask(second)
  expect([other.wait, other.steps[0]?.wait]).toEqual(['', held])
  expect((await world.runs.listRuns({ projectId })).runs).toHaveLength(1)
})
