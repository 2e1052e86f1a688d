// Steps that share a workspace run on one agent: what is said of their labels when they are published, and where they run.
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AgentWorld } from './test/agent-world.ts'
import type { FakeControl } from './test/fake-agent.ts'

let world: AgentWorld

beforeEach(async () => {
  world = await AgentWorld.start()
})
afterEach(() => world[Symbol.asyncDispose]())

const file = (check: string) => `name: app
steps:
  build: { run: make }
  sign: { run: ./sign, runsOn: [mac] }
  check: ${check}
  off: { run: x, runsOn: [nowhere], disabled: true }
`
const sharing = file('{ run: ./check, runsOn: [mac, gpu] }')

test('labels that no agent has together are said by name when a file is applied, published and read', async () => {
  const projectId = await world.controller.addProject()
  const pipelines = world.controller.as(world.controller.owner).client(PipelineService)
  const alone = await world.register('mac', ['mac'])
  await world.register('gpu', ['gpu'])
  const { problems, pipeline } = await pipelines.applyPipeline({ projectId, yaml: sharing, publish: true })
  const warning = {
    severity: Severity.WARNING,
    code: 'workspace_labels',
    stepId: 'check',
    field: 'runsOn',
    line: 5,
    params: { workspace: 'shared', labels: 'gpu, mac', steps: 'sign, check' },
  }
  expect(problems).toMatchObject([warning])
  expect(problems[0]?.message).toMatch(/^No agent has the labels gpu, mac together/)
  const pipelineId = pipeline?.id ?? ''
  const read = async () => (await pipelines.getPipeline({ pipelineId })).problems
  const publish = async () => (await pipelines.publishPipeline({ pipelineId })).problems
  expect([...(await read()), ...(await publish())]).toMatchObject([
    { ...warning, line: 0 },
    { ...warning, line: 0 },
  ])
  // What an agent only says of itself does not count once the label protects.
  await alone.control().hello({ labels: ['gpu'] })
  expect(await read()).toHaveLength(1)
  await world.agents.setAgentLabels({ agentId: alone.id, labels: ['mac', 'gpu'] })
  expect([...(await read()), ...(await publish())]).toEqual([])
  await world.agents.setAgentLabels({ agentId: alone.id, labels: ['mac'] })
  const apart = file('{ run: ./check, runsOn: [gpu], workspace: check }')
  expect((await pipelines.applyPipeline({ projectId, yaml: apart })).problems).toEqual([])
  const isolated = file('{ run: ./check, runsOn: [gpu, mac], workspace: isolated }')
  expect((await pipelines.applyPipeline({ projectId, yaml: isolated })).problems).toMatchObject([
    { code: 'agent_labels', stepId: 'check', params: { labels: 'gpu, mac' } },
  ])
})

async function run(control: FakeControl): Promise<string> {
  const { job, stepId } = await control.take()
  await control.succeed(job)
  return stepId
}

test('the first step of a workspace waits for an agent that can run the others too', async () => {
  const plain = (await world.register('plain')).control()
  await plain.hello()
  const steps = [
    { id: 'build' },
    { id: 'sign', runsOn: ['mac'], needs: [{ stepId: 'build' }] },
    { id: 'lint', workspace: 'isolated' },
  ]
  const runId = await world.startRun(steps)
  expect(await run(plain)).toBe('lint')
  const { reason } = await world.untilReason(runId, 'build', 'labels_missing')
  expect(reason).toBe(
    'No agent with the labels mac is online. Steps of workspace shared, which lives on one agent, ask for them. Asked for by sign: mac.',
  )
  const mac = (await world.register('mac', ['mac'])).control()
  await mac.hello()
  expect([await run(mac), await run(mac)]).toEqual(['build', 'sign'])
  await world.untilStep(runId, 'sign', StepStatus.SUCCEEDED)
  expect(plain.heard.filter(({ case: kind }) => kind === 'offer')).toEqual([])
})

test('an agent that holds a workspace and lost a label is named with it', async () => {
  const agent = await world.register('mac', ['mac'])
  const control = agent.control()
  await control.hello()
  const runId = await world.startRun([{ id: 'build' }, { id: 'sign', runsOn: ['mac'], needs: [{ stepId: 'build' }] }])
  const { job } = await control.take()
  await world.agents.setAgentLabels({ agentId: agent.id, labels: [] })
  control.say({ case: 'finished', value: { job, outcome: Outcome.SUCCEEDED } })
  const { reason } = await world.untilReason(runId, 'sign', 'workspace_lacks')
  expect(reason).toBe('Agent mac holds workspace shared but lacks the labels mac, asked for by sign.')
})
