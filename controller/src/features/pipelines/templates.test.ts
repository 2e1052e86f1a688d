// Templates of a pipeline: a run freezes the steps that they stand for, a version keeps what the file says.
import { ExplainService } from '@ansflow/proto/gen/ansflow/v1/explain_pb'
import { Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startController, type TestController } from '../../../test/start-controller.ts'

let c: TestController
beforeEach(async () => {
  c = await startController()
})
afterEach(() => c[Symbol.asyncDispose]())

const yaml = `name: x
templates:
  # Built and tried.
  build:
    params: { dir: { type: string, required: true } }
    steps:
      install: { run: "make -C \${{ params.dir }}" }
      test: { needs: [install], run: make test }
steps:
  web: { uses: template, with: { template: build, params: { dir: web } } }
  ship: { needs: [web], run: ./ship }
`

test('a run has the steps of templates, a version what its file says', async () => {
  const owner = c.as(c.owner)
  const projectId = await c.addProject()
  const pipelines = owner.client(PipelineService)
  const { pipeline, problems } = await pipelines.applyPipeline({ projectId, yaml, publish: true })
  expect(problems.map(({ severity }) => severity)).not.toContain(Severity.ERROR)
  const pipelineId = pipeline!.id
  for (const draft of [false, true]) {
    const { run } = await owner.client(RunService).startRun({ pipelineId, draft })
    const { graph } = await owner.client(RunService).getRun({ runId: run!.id })
    expect(graph!.templates).toEqual([])
    expect(graph!.steps.map(({ id, needs }) => [id, needs.map(({ stepId }) => stepId)])).toEqual([
      ['web/install', []],
      ['web/test', ['web/install']],
      ['ship', ['web/test']],
    ])
  }
  const until = await owner.client(RunService).startRun({ pipelineId, draft: true, untilStepId: 'web' })
  const part = await owner.client(RunService).getRun({ runId: until.run!.id })
  expect(part.graph!.steps.map(({ id }) => id)).toEqual(['web/install', 'web/test'])
  const explained = await owner.client(ExplainService).explainRun({ pipelineId, draft: true })
  expect(explained.steps.map(({ id }) => id)).toEqual(['web/install', 'web/test', 'ship'])
  const version = await pipelines.getPipeline({ pipelineId, version: 1 })
  expect(version.yaml).toBe(yaml)
  expect(version.graph!.steps.map(({ id }) => id)).toEqual(['web', 'ship'])
  // A change of a template alone is a change.
  const changed = { projectId, yaml: yaml.replace('make test', 'make check'), publish: true }
  expect((await pipelines.applyPipeline(changed)).version!.number).toBe(2)
})

test('a pipeline whose template is used wrongly is not published', async () => {
  const projectId = await c.addProject()
  const wrong = { projectId, yaml: yaml.replace('{ dir: web }', '{ dri: web }'), publish: true }
  const { problems } = await c.as(c.owner).client(PipelineService).validatePipeline({ yaml: wrong.yaml })
  expect(problems).toMatchObject([
    { line: 10, stepId: 'web', message: 'The template build has no parameter "dri". Did you mean "dir"?' },
    { line: 10, stepId: 'web', message: 'The template build wants the parameter dir: give it under `params`.' },
  ])
  const answer = await c.as(c.owner).client(PipelineService).applyPipeline(wrong)
  expect(answer.pipeline).toBe(undefined)
  expect(answer.problems).toEqual(problems)
})
