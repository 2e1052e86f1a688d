// Templates of other pipelines: pinned by their version, for those who may read them, and for good once a version is made of them.
import { Role } from '@ansflow/proto/access'
import { Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startController, type TestController, type TestUser } from '../../../../test/start-controller.ts'

let c: TestController
let projectId: string
beforeEach(async () => {
  c = await startController()
  projectId = await c.addProject()
})
afterEach(() => c[Symbol.asyncDispose]())

const pipelines = (who: TestUser = c.owner) => c.as(who).client(PipelineService)
const runs = () => c.as(c.owner).client(RunService)

const shared = (script: string) => `name: shared
templates:
  build:
    params: { dir: { type: string, required: true } }
    steps: { make: { run: "${script} \${{ params.dir }}" } }
steps: { self: { uses: template, with: { template: build, params: { dir: . } } } }
`
const user = (include: string) => `name: user
include: [${include}]
steps: { web: { uses: template, with: { template: build, params: { dir: web } } } }
`

async function publish(yaml: string, into = projectId, who: TestUser = c.owner) {
  return pipelines(who).applyPipeline({ projectId: into, yaml, publish: true })
}

async function errorsOf(include: string, who: TestUser = c.owner) {
  const { problems } = await pipelines(who).applyPipeline({ projectId, yaml: user(include) })
  return problems.filter(({ severity }) => severity === Severity.ERROR).map(({ line, message }) => `${line} ${message}`)
}

async function stepsOfRun(pipelineId: string, version = 0) {
  const { run } = await runs().startRun({ pipelineId, version })
  const { graph } = await runs().getRun({ runId: run!.id })
  return { steps: graph!.steps.map(({ id, with: given }) => [id, given?.script]), uses: graph!.templateUses }
}

test('a version has the templates of the version that it names, also when there is a newer one, and when all are gone', async () => {
  const source = (await publish(shared('make'))).pipeline!.id
  const { pipeline, version, problems } = await publish(user('{ pipeline: shared, version: 1 }'))
  expect(problems).toEqual([])
  const pipelineId = pipeline!.id
  const expected = [['web/make', 'make ${{ "web" }}']]
  const first = await stepsOfRun(pipelineId)
  expect(first.steps).toEqual(expected)
  expect(first.uses).toMatchObject([{ key: 'web', template: 'build', source: { pipeline: 'shared', version: 1 } }])
  await publish(shared('ninja'))
  expect((await stepsOfRun(pipelineId)).steps).toEqual(expected)
  // Publishing says so, and makes none of it.
  const again = await pipelines().publishPipeline({ pipelineId })
  expect(again.created).toBe(false)
  expect(again.version!.hash).toBe(version!.hash)
  expect(again.problems).toMatchObject([
    { severity: Severity.INFO, code: 'include_newer', field: 'include.0', params: { latest: '2' } },
  ])
  const second = await publish(user('{ pipeline: shared, version: 2 }'))
  expect(second.version!.number).toBe(2)
  await pipelines().deletePipeline({ pipelineId: source })
  expect((await stepsOfRun(pipelineId, 1)).steps).toEqual(expected)
  expect((await stepsOfRun(pipelineId, 2)).steps).toEqual([['web/make', 'ninja ${{ "web" }}']])
  const gone = await pipelines().getPipeline({ pipelineId })
  expect(gone.problems).toMatchObject([{ code: 'include_pipeline', field: 'include.0' }])
})

test('what is wrong with an include is told at its line with what to do', async () => {
  await publish(shared('make'))
  await publish('name: none\nsteps: { a: { run: x } }')
  await pipelines().createPipeline({ projectId, name: 'draft' })
  expect(await errorsOf('{ pipeline: shared }')).toEqual([
    '2 Say which version of "shared" is meant: `version: 1` is the latest, so that nothing changes here when that one does.',
  ])
  expect(await errorsOf('{ pipeline: shred, version: 1 }')).toEqual([
    '2 There is no pipeline "shred". Did you mean "shared"?',
  ])
  expect(await errorsOf('{ pipeline: shared, version: 3 }')).toEqual([
    '2 The pipeline "shared" has no version 3; the latest is 1.',
  ])
  expect(await errorsOf('{ pipeline: draft, version: 1 }')).toEqual([
    '2 The pipeline "draft" has no version yet. Publish it first.',
  ])
  expect(await errorsOf('{ pipeline: none, version: 1 }')).toEqual(['2 none v1 has no templates.'])
  expect(await errorsOf('{ file: a.yaml }')).toEqual([
    '2 The pipeline is kept in AnsFlow and in no repository, so there is no file "a.yaml" beside it. Include a published version: `{ pipeline, version }`.',
  ])
  const { problems } = await pipelines().applyPipeline({
    projectId,
    yaml: user('{ pipeline: shared, version: 1 }').replace('template: build', 'template: biuld'),
  })
  expect(problems).toMatchObject([{ line: 3, message: 'This file has no template "biuld". Did you mean "build"?' }])
})

test('templates of another project are for those who may read it; to others there is no such pipeline', async () => {
  const other = await c.addProject()
  const { project } = await c.as(c.owner).client(ProjectService).getProject({ projectId: other })
  await publish(shared('make'), other)
  const include = `{ pipeline: ${project!.slug}/shared, version: 1 }`
  expect(await errorsOf(include)).toEqual([])
  const { included, files } = await pipelines().getIncludedTemplates({
    pipelineId: (await publish(user(include))).pipeline!.id,
    include: [{ pipeline: `${project!.slug}/shared`, version: 1 }],
  })
  expect(included).toMatchObject([{ template: { name: 'build' }, entry: 0 }])
  expect(files).toEqual([])
  const stranger = await c.addUser({ role: Role.DEVELOPER, projectId })
  const hidden = await errorsOf(include, stranger)
  expect(hidden).toEqual([`2 There is no pipeline "${project!.slug}/shared".`])
  expect(await errorsOf(include.replace('shared', 'nothing'), stranger)).toEqual([
    `2 There is no pipeline "${project!.slug}/nothing".`,
  ])
})
