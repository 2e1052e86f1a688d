// An agent that runs need is not deleted by accident; when it is, they end and say why.
import { RunStatus, StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AgentEntity } from './agent.entity.ts'
import { AgentWorld } from './test/agent-world.ts'
import type { FakeAgent } from './test/fake-agent.ts'

let world: AgentWorld
let agent: FakeAgent

beforeEach(async () => {
  world = await AgentWorld.start()
  agent = await world.register('vm')
})
afterEach(() => world[Symbol.asyncDispose]())

const steps = [{ id: 'a' }, { id: 'b', needs: [{ stepId: 'a' }] }, { id: 'c', needs: [{ stepId: 'b' }] }]

test('a run that waits for its workspace holds the agent; by force it fails with the reason', async () => {
  const control = agent.control()
  await control.hello()
  const runId = await world.startRun(steps)
  const { job } = await control.take()
  await world.agents.drainAgent({ agentId: agent.id, drain: true })
  await control.hear('drain')
  await control.succeed(job)
  await world.untilReason(runId, 'b', 'workspace_draining')
  await expect(world.agents.deleteAgent({ agentId: agent.id })).rejects.toThrow(/need agent vm.*pipeline #1/)
  await world.agents.deleteAgent({ agentId: agent.id, force: true })
  expect((await control.end()).error?.code).toBe(16)
  const step = await world.untilStep(runId, 'b', StepStatus.FAILED)
  expect(step.reason).toBe('Agent vm, which held workspace shared, was deleted.')
  expect((await world.stepOf(runId, 'c')).run.status).toBe(RunStatus.FAILED)
})

test('by force a running job is lost, with the reason', async () => {
  const control = agent.control()
  await control.hello()
  const runId = await world.startRun([{ id: 'a' }])
  const { job } = await control.take()
  control.say({ case: 'started', value: { job } })
  await world.untilStep(runId, 'a', StepStatus.RUNNING)
  await world.agents.deleteAgent({ agentId: agent.id, force: true })
  const step = await world.untilStep(runId, 'a', StepStatus.LOST)
  expect(step.reason).toBe('Its agent vm was deleted.')
})

test('a run of an agent that is gone already does not wait for ever', async () => {
  const control = agent.control()
  await control.hello()
  const runId = await world.startRun(steps)
  const { job } = await control.take()
  await world.controller.db.em().nativeDelete(AgentEntity, { id: agent.id })
  await control.succeed(job)
  control.cut()
  const step = await world.untilStep(runId, 'b', StepStatus.FAILED)
  expect(step.reason).toBe('Agent vm, which held workspace shared, was deleted.')
})

test('a running job whose agent went from the table while the controller died ends too', async () => {
  const control = agent.control()
  await control.hello()
  const runId = await world.startRun([{ id: 'a' }])
  await control.take()
  await world.controller.db.em().nativeDelete(AgentEntity, { id: agent.id })
  const step = await world.untilStep(runId, 'a', StepStatus.LOST)
  expect(step.reason).toBe('Its agent vm was deleted.')
})
