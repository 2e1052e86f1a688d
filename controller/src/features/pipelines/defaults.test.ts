// Defaults of steps: what a run freezes is what they give, what a version keeps is what the file says.
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
defaults: { runsOn: [linux], timeout: 10m, shell: bash, env: { A: "1" } }
steps:
  plain: { run: "true" }
  own: { run: "true", runsOn: [macos], workspace: own, shell: sh }
`

test('steps of a run have the defaults of their pipeline, those of its versions only what they say', async () => {
  const owner = c.as(c.owner)
  const projectId = await c.addProject()
  const pipelines = owner.client(PipelineService)
  const { pipeline, problems } = await pipelines.applyPipeline({ projectId, yaml, publish: true })
  // That no agent has these labels.
  expect(problems.map(({ severity }) => severity)).not.toContain(Severity.ERROR)
  const pipelineId = pipeline!.id
  for (const draft of [false, true]) {
    const { run } = await owner.client(RunService).startRun({ pipelineId, draft })
    const { graph } = await owner.client(RunService).getRun({ runId: run!.id })
    const [plain, own] = graph!.steps
    expect(plain).toMatchObject({ runsOn: ['linux'], timeoutMs: 600_000, with: { shell: 'bash' } })
    expect(plain!.env).toMatchObject([{ name: 'A', value: '1' }])
    expect(own).toMatchObject({ runsOn: ['macos'], timeoutMs: 600_000, with: { shell: 'sh' } })
  }
  const version = await pipelines.getPipeline({ pipelineId, version: 1 })
  expect(version.yaml).toBe(yaml)
  expect(version.graph!.steps[0]).toMatchObject({ runsOn: [], timeoutMs: 0, with: { script: 'true' } })
  expect(version.graph!.defaults).toMatchObject({ runsOn: ['linux'] })
  // A change of the defaults alone is a change.
  const changed = { projectId, yaml: yaml.replace('linux', 'arm64'), publish: true }
  expect((await pipelines.applyPipeline(changed)).version!.number).toBe(2)
})
