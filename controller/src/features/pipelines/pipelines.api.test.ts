import { Role } from '@ansflow/proto/access'
import { graphHash } from '@ansflow/proto/canonical'
import { Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { setStepField } from '@ansflow/proto/pipeline-doc'
import { parsePipeline } from '@ansflow/proto/pipeline-yaml'
import { Code, ConnectError } from '@connectrpc/connect'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startController, type TestController } from '../../../test/start-controller.ts'
import { editDraft, otherRooms } from '../collab/test-client.ts'
import { readDraft } from './draft-store.ts'
import { PipelineVersionEntity } from './pipeline-version.entity.ts'
import { runnableDraft, runnableGraph } from './runnable-graph.ts'

let c: TestController
beforeAll(async () => {
  c = await startController()
})
afterAll(async () => {
  await c[Symbol.asyncDispose]()
})

async function start() {
  return { projectId: await c.addProject(), pipelines: c.as(c.owner).client(PipelineService) }
}

async function failure(call: Promise<unknown>): Promise<ConnectError> {
  return call.then(
    () => {
      throw new Error('The call was expected to fail.')
    },
    (error: unknown) => ConnectError.from(error),
  )
}

const file = `# A comment that stays
name: deploy
steps:
  build:
    run: make
  check: # and this
    needs: [build]
    run: make test
`

describe('ApplyPipeline', () => {
  it('makes the pipeline, then changes it, and keeps comments and node ids', async () => {
    const { projectId, pipelines } = await start()
    const made = await pipelines.applyPipeline({ projectId, yaml: file })
    expect(made.problems).toEqual([])
    expect(made.version).toBeUndefined()
    expect(made.pipeline).toMatchObject({ name: 'deploy', latestVersion: 0, draftChanged: true })
    const pipelineId = made.pipeline?.id ?? ''
    const before = await pipelines.getPipeline({ pipelineId })
    expect(before.yaml).toBe(file)
    expect(before.hash).toBe(graphHash(parsePipeline(file).graph))

    const next = file.replace('make test', 'make check')
    const changed = await pipelines.applyPipeline({ projectId, yaml: next, publish: true, note: 'first' })
    expect(changed.pipeline).toMatchObject({ id: pipelineId, latestVersion: 1, draftChanged: false })
    expect(changed.version).toMatchObject({ number: 1, note: 'first', stepCount: 2, createdBy: c.owner.userId })
    const after = await pipelines.getPipeline({ pipelineId })
    expect(after.yaml).toBe(next)
    expect(after.graph?.steps.map(({ nodeId }) => nodeId)).toEqual(before.graph?.steps.map(({ nodeId }) => nodeId))
    expect(after.graph?.steps[1]?.with).toEqual({ script: 'make check' })
  })

  it('changes nothing when the file has errors', async () => {
    const { projectId, pipelines } = await start()
    const answer = await pipelines.applyPipeline({
      projectId,
      yaml: `${file}  broken: { needs: [nobody] }\n`,
      publish: true,
    })
    expect(answer.pipeline).toBeUndefined()
    expect(answer.version).toBeUndefined()
    expect(answer.problems.some(({ severity, line }) => severity === Severity.ERROR && line > 0)).toBe(true)
    expect((await pipelines.listPipelines({ projectId })).pipelines).toEqual([])
  })

  it('says the same once, however many apply it at once', async () => {
    const { projectId, pipelines } = await start()
    const { pipeline } = await pipelines.applyPipeline({ projectId, yaml: file })
    const yaml = `${file}  more: { run: make more }\n`
    await Promise.all(Array.from({ length: 4 }, () => pipelines.applyPipeline({ projectId, yaml })))
    expect((await pipelines.getPipeline({ pipelineId: pipeline?.id ?? '' })).yaml).toBe(yaml)
  })

  it('needs the right to edit, and that to publish when it should publish', async () => {
    const { projectId } = await start()
    const viewer = await c.addUser({ role: Role.VIEWER })
    const editor = await c.addUser({ role: Role.DEVELOPER, scopes: ['pipeline.edit', 'pipeline.read'] })
    const as = (user: typeof viewer) => c.as(user).client(PipelineService)
    expect((await failure(as(viewer).applyPipeline({ projectId, yaml: file }))).code).toBe(Code.PermissionDenied)
    expect((await failure(as(editor).applyPipeline({ projectId, yaml: file, publish: true }))).code).toBe(
      Code.PermissionDenied,
    )
    expect((await as(editor).applyPipeline({ projectId, yaml: file })).pipeline?.name).toBe('deploy')
  })
})

describe('versions', () => {
  it('are immutable, numbered, and not made twice for the same content', async () => {
    const { projectId, pipelines } = await start()
    const { pipeline } = await pipelines.applyPipeline({ projectId, yaml: file, publish: true })
    const pipelineId = pipeline?.id ?? ''
    const again = await pipelines.publishPipeline({ pipelineId })
    expect(again).toMatchObject({ created: false, version: { number: 1 } })
    await pipelines.applyPipeline({ projectId, yaml: file.replace('run: make\n', 'run: make all\n') })
    expect((await pipelines.listPipelines({ projectId })).pipelines[0]?.draftChanged).toBe(true)
    expect((await pipelines.publishPipeline({ pipelineId, note: 'second' })).version?.number).toBe(2)
    const first = await pipelines.getPipeline({ pipelineId, version: 1 })
    expect(first.yaml).toBe(file)
    expect(first.graph?.steps[0]?.with).toEqual({ script: 'make' })
    const page = await pipelines.listVersions({ pipelineId, pageSize: 1 })
    expect(page.versions.map(({ number }) => number)).toEqual([2])
    const rest = await pipelines.listVersions({ pipelineId, pageToken: page.nextPageToken })
    expect(rest.versions.map(({ number }) => number)).toEqual([1])
  })

  it('are refused when the draft has moved on, or is not sound', async () => {
    const { projectId, pipelines } = await start()
    const { pipeline } = await pipelines.createPipeline({ projectId, name: 'empty' })
    const pipelineId = pipeline?.id ?? ''
    expect((await failure(pipelines.publishPipeline({ pipelineId, expectedHash: 'x' }))).code).toBe(
      Code.FailedPrecondition,
    )
    expect((await failure(pipelines.publishPipeline({ pipelineId }))).code).toBe(Code.InvalidArgument)
    expect((await failure(pipelines.getPipeline({ pipelineId, version: 9 }))).code).toBe(Code.NotFound)
  })

  it('and the draft are what runs execute', async () => {
    const { projectId, pipelines } = await start()
    const { pipeline } = await pipelines.applyPipeline({ projectId, yaml: file })
    const pipelineId = pipeline?.id ?? ''
    await expect(runnableGraph(c.db.em(), pipelineId, 0)).rejects.toMatchObject({ reason: 'never_published' })
    await pipelines.publishPipeline({ pipelineId })
    await pipelines.applyPipeline({ projectId, yaml: file.replace('make test', 'make more') })
    const scripts = async (version: number | 'draft') => {
      const em = c.db.em()
      const draft = { em, workers: c.controller.workers, by: c.owner.userId, includes: () => Promise.reject() }
      const { graph, version: number } =
        version === 'draft' ? await runnableDraft(draft, pipelineId) : await runnableGraph(em, pipelineId, version)
      return [number, graph.steps[1]?.with]
    }
    expect(await scripts(0)).toEqual([1, { script: 'make test' }])
    expect(await scripts(1)).toEqual([1, { script: 'make test' }])
    expect(await scripts('draft')).toEqual([0, { script: 'make more' }])
  })
})

describe('names', () => {
  it('are unique in the project, and follow the draft when free', async () => {
    const { projectId, pipelines } = await start()
    const a = await pipelines.createPipeline({ projectId, name: ' a ' })
    await pipelines.createPipeline({ projectId, name: 'b' })
    expect((await failure(pipelines.createPipeline({ projectId, name: 'a' }))).code).toBe(Code.AlreadyExists)
    expect((await failure(pipelines.createPipeline({ projectId, name: ' ' }))).code).toBe(Code.InvalidArgument)
    const pipelineId = a.pipeline?.id ?? ''
    const rename = async (name: string) => {
      const rooms = otherRooms(c)
      await editDraft(rooms, pipelineId, '', (doc) => doc.getMap('settings').set('name', name))
      await rooms.stop()
    }
    await rename('c')
    expect((await pipelines.getPipeline({ pipelineId })).pipeline?.name).toBe('c')
    await rename('b')
    const clash = await pipelines.getPipeline({ pipelineId })
    expect(clash.pipeline?.name).toBe('c')
    expect(clash.problems.map(({ code }) => code)).toContain('name_taken')
  })
})

describe('samples', () => {
  it('hello is sound, and takes the name it is given', async () => {
    const { projectId, pipelines } = await start()
    const { pipeline } = await pipelines.createPipeline({ projectId, name: 'first', sample: 'hello' })
    const got = await pipelines.getPipeline({ pipelineId: pipeline?.id ?? '' })
    expect(got.problems).toEqual([])
    expect(got.graph?.name).toBe('first')
    expect(got.graph?.steps.length).toBeGreaterThan(4)
    expect((await pipelines.publishPipeline({ pipelineId: pipeline?.id ?? '' })).created).toBe(true)
    expect((await failure(pipelines.createPipeline({ projectId, name: 'x', sample: 'none' }))).code).toBe(
      Code.InvalidArgument,
    )
  })
})

describe('DeletePipeline', () => {
  it('takes draft and versions along', async () => {
    const { projectId, pipelines } = await start()
    const { pipeline } = await pipelines.applyPipeline({ projectId, yaml: file, publish: true })
    const pipelineId = pipeline?.id ?? ''
    await pipelines.deletePipeline({ pipelineId })
    expect((await failure(pipelines.getPipeline({ pipelineId }))).code).toBe(Code.NotFound)
    expect((await failure(pipelines.deletePipeline({ pipelineId }))).code).toBe(Code.NotFound)
    expect(await readDraft(c.db.em(), pipelineId)).toBeUndefined()
    expect(await c.db.em().count(PipelineVersionEntity, { pipelineId })).toBe(0)
  })
})

it('a draft changed on another controller is what GetPipeline and publishing see', async () => {
  const { projectId, pipelines } = await start()
  const { pipeline } = await pipelines.applyPipeline({ projectId, yaml: file })
  const pipelineId = pipeline?.id ?? ''
  const { graph } = await pipelines.getPipeline({ pipelineId })
  const other = otherRooms(c)
  await editDraft(other, pipelineId, 'x', (doc) =>
    setStepField(doc, graph?.steps[0]?.nodeId ?? '', 'params.script', 'make other', { user: 'x' }),
  )
  expect((await pipelines.getPipeline({ pipelineId })).yaml).toContain('make other')
  await pipelines.publishPipeline({ pipelineId })
  expect((await pipelines.getPipeline({ pipelineId, version: 1 })).yaml).toContain('make other')
  await other.stop()
})
