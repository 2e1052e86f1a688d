// A program's view: plain HTTP and JSON, with an API token, from an empty project to the raw log.
import { StepStatus } from '@ansflow/proto/status'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { admin, type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'

let system: System
beforeAll(async () => {
  system = await startSystem()
})
afterAll(() => system?.[Symbol.asyncDispose]())

async function call(
  method: string,
  body: unknown,
  token = admin.token,
): Promise<{ status: number; json: Record<string, unknown> }> {
  const response = await fetch(`${system.url}/api/ansflow.v1.${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  })
  return { status: response.status, json: (await response.json()) as Record<string, unknown> }
}

const yaml = `name: greet
inputs:
  who: { type: string, default: world }
  loud: { type: boolean, default: false }
env: { GREETING: hello }
steps:
  make:
    run: |
      echo "$GREETING \${{ inputs.who }}"
      echo "word=\${{ inputs.who }}" >> "$ANSFLOW_OUTPUT"
    outputs: [word]
  use:
    needs: [make]
    run: echo "got \${{ steps.make.outputs.word }}"
  shout:
    needs: [make]
    when: \${{ inputs.loud }}
    run: echo LOUD
  fails:
    run: exit 3
    allowFailure: true
  after:
    needs: [use, fails]
    run: echo done
`

test('a pipeline is applied, run and read back over HTTP', async () => {
  const project = await call('ProjectService/CreateProject', { name: 'Api' })
  expect(project.status).toBe(200)
  const { id: projectId } = project.json.project as { id: string }
  const applied = await call('PipelineService/ApplyPipeline', { projectId, yaml, publish: true })
  expect(applied.json).toMatchObject({ pipeline: { name: 'greet' }, version: { number: 1 } })
  const { id: pipelineId } = applied.json.pipeline as { id: string }
  const got = await call('PipelineService/GetPipeline', { pipelineId })
  expect(got.json.yaml).toBe(yaml)

  const started = await call('RunService/StartRun', { pipelineId, inputs: { who: 'Ada' }, idempotencyKey: 'k1' })
  const { id: runId } = started.json.run as { id: string }
  const again = await call('RunService/StartRun', { pipelineId, inputs: { who: 'Ada' }, idempotencyKey: 'k1' })
  expect((again.json.run as { id: string }).id).toBe(runId)

  const run = await waitFor(
    async () => {
      const { json } = await call('RunService/GetRun', { runId })
      const now = json.run as {
        status: string
        steps: { id: string; status: string; outputs?: Record<string, string>; attempts?: { exitCode?: number }[] }[]
      }
      return now.status === 'RUN_STATUS_SUCCEEDED' || now.status === 'RUN_STATUS_FAILED' ? now : undefined
    },
    { what: 'the run has ended', timeoutMs: 30_000 },
  )
  expect(run.status).toBe('RUN_STATUS_SUCCEEDED')
  const steps = Object.fromEntries(run.steps.map((step) => [step.id, step]))
  expect(steps.make?.outputs).toEqual({ word: 'Ada' })
  expect(steps.shout?.status).toBe('STEP_STATUS_SKIPPED')
  expect(steps.fails).toMatchObject({ status: 'STEP_STATUS_FAILED', attempts: [{ exitCode: 3 }] })
  expect(steps.after?.status).toBe('STEP_STATUS_SUCCEEDED')

  expect(await system.wholeLog(runId, 'make')).toBe('hello Ada\n')
  expect(await system.wholeLog(runId, 'use')).toBe('got Ada\n')
  const read = await call('LogService/ReadLog', { runId, stepId: 'make', offset: 6, limit: 100 })
  expect(Buffer.from(read.json.data as string, 'base64').toString()).toBe('Ada\n')
  expect(read.json.complete).toBe(true)
})

test('wrong files and inputs are told with their place', async () => {
  const bad = await call('PipelineService/ValidatePipeline', { yaml: 'name: x\nsteps:\n  a:\n    rum: echo\n' })
  const [problem] = bad.json.problems as { line: number; column: number; message: string }[]
  expect(problem).toMatchObject({ line: 4, column: 5 })
  expect(problem?.message).toMatch(/run/)
  const cycle = await call('PipelineService/ValidatePipeline', {
    yaml: 'name: x\nsteps:\n  a: { run: echo, needs: [b] }\n  b: { run: echo, needs: [a] }\n',
  })
  expect(JSON.stringify(cycle.json.problems)).toMatch(/cycle/i)

  const { pipelineId } = await system.pipeline(yaml)
  const started = await call('RunService/StartRun', { pipelineId, inputs: { who: 3, nobody: 'x' } })
  expect(started.status).toBe(400)
  expect(JSON.stringify(started.json)).toMatch(/inputs\.who/)
  expect(JSON.stringify(started.json)).toMatch(/inputs\.nobody/)
})

test('nobody gets in without a right', async () => {
  const none = await fetch(`${system.url}/api/ansflow.v1.ProjectService/ListProjects`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
  expect(none.status).toBe(401)
  expect((await call('ProjectService/ListProjects', {}, 'af_wrong')).status).toBe(401)
  expect((await call('ProjectService/ListProjects', { colour: 'red' })).status).toBe(400)
})

test('a run waits with its reason until an agent with its label comes', async () => {
  const { pipelineId } = await system.pipeline('name: gpu\nsteps:\n  train: { run: echo trained, runsOn: [gpu] }\n')
  const runId = await system.start(pipelineId)
  const waiting = await waitFor(
    async () => {
      const step = (await system.run(runId)).steps[0]
      return step?.reasonInfo?.code === 'labels_missing' ? step : undefined
    },
    { what: 'the step says that no agent has the label' },
  )
  expect(waiting.reason).toMatch(/gpu/)
  const agent = await system.addAgent({ labels: ['gpu'], slots: 1 })
  const run = await system.ended(runId)
  expect(run.steps[0]?.attempts[0]?.agentName).toBe(agent.name)
})

test('an output reaches the next step whole, or the step says that it is too large', async () => {
  const make = (count: number) => `{ printf value=; yes 漢 | head -n ${count} | tr -d '\\n'; } >> "$ANSFLOW_OUTPUT"`
  const { pipelineId } = await system.pipeline(`name: large
steps:
  make: { run: ${JSON.stringify(make(30_000))}, outputs: [value] }
  use:
    needs: [make]
    env: { VALUE: "\${{ steps.make.outputs.value }}" }
    run: |
      [ "$(printf %s "$VALUE" | wc -c)" = 90000 ] && [ -z "$(printf %s "$VALUE" | tr -d 漢)" ]
  larger: { run: ${JSON.stringify(make(60_000))}, outputs: [value] }
  burst:
    needs: [larger]
    env: { VALUE: "\${{ steps.larger.outputs.value }}" }
    run: echo never
  toomuch: { run: ${JSON.stringify(make(100_000))}, outputs: [value] }
`)
  const run = await system.ended(await system.start(pipelineId))
  const step = (id: string) => run.steps.find((one) => one.id === id)
  expect(step('use')?.status).toBe(StepStatus.SUCCEEDED)
  expect(step('make')?.outputs['value']).toBe('漢'.repeat(30_000))
  expect(step('larger')?.outputs['value']).toHaveLength(60_000)
  expect(step('burst')?.reason).toMatch(/^The variable VALUE has 180006 bytes in the environment/)
  expect(step('toomuch')?.reason).toMatch(/^The outputs have 300005 bytes; a step may have 262144/)
})
