// One identity, two processes: the newer takes over, the older is told and does not come back, and people hear of it.
import { JobPhase } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { OnLost } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { RunStatus, StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { timestampDate } from '@bufbuild/protobuf/wkt'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { manualClock } from '../../platform/clock.ts'
import { AgentWorld } from './test/agent-world.ts'
import type { FakeAgent } from './test/fake-agent.ts'

let world: AgentWorld
let agent: FakeAgent

beforeEach(async () => {
  world = await AgentWorld.start()
  agent = await world.register()
})
afterEach(() => world[Symbol.asyncDispose]())

async function shown() {
  const { agents } = await world.agents.listAgents({ organizationId: world.organizationId })
  return agents.find(({ id }) => id === agent.id)
}

/** A hello that is refused: the code of the error. */
async function refused(instanceId: string): Promise<number | undefined> {
  const control = agent.control()
  control.hello({ instanceId }).catch(() => undefined)
  return (await control.end()).error?.code
}

test('a process that comes again is no second one, and a restarted one takes over at once', async () => {
  const first = agent.control()
  await first.hello({ instanceId: 'one' })
  const again = agent.control()
  await again.hello({ instanceId: 'one' })
  expect((await first.end()).error?.code).toBe(10)
  again.cut()
  const restarted = agent.control()
  await restarted.hello({ instanceId: 'two' })
  restarted.say({ case: 'heartbeat', value: {} })
  await restarted.hear('heartbeatAck')
  expect((await shown())?.doubledSince).toBeUndefined()
})

test('of two processes the older ends for good, it is said since when, and no third one starts it again', async () => {
  const older = agent.control()
  await older.hello({ instanceId: 'older' })
  const newer = agent.control()
  await newer.hello({ instanceId: 'newer' })
  expect((await older.end()).error?.code).toBe(10)
  expect((await shown())?.doubledSince).toBeUndefined()
  const before = world.controller.clock.now()
  // What a process does whose stream was closed: it comes again, and that is the proof that it is there.
  expect(await refused('older')).toBe(6)
  const since = (await shown())?.doubledSince
  expect(since && timestampDate(since).getTime()).toBeGreaterThanOrEqual(before.getTime())
  // Its service manager starts it anew.
  expect(await refused('older restarted')).toBe(3)
  expect(await refused('older-restarted')).toBe(6)
  newer.say({ case: 'heartbeat', value: {} })
  await newer.hear('heartbeatAck')
  expect((await shown())?.doubledSince).toEqual(since)
  // The one that is there may itself be restarted.
  newer.close()
  await newer.end()
  const restarted = agent.control()
  await restarted.hello({ instanceId: 'newer-restarted' })
})

test('a renewed identity makes the old one worthless and keeps the agent', async () => {
  const held = agent.control()
  await held.hello({ instanceId: 'a' })
  const other = agent.control()
  await other.hello({ instanceId: 'b' })
  await refused('a')
  const logs = agent.logs()
  const runId = await world.startRun([{ id: 'step' }])
  const { job } = await other.take()
  const { token } = await world.agents.renewAgent({ agentId: agent.id })
  expect((await other.end()).error?.code).toBe(16)
  expect(await refused('b')).toBe(16)
  expect(await refused('c')).toBe(16)
  await expect(logs.answer(() => false)).rejects.toThrow(/ended/)
  const renewed = await world.registerWith(token, 'another name')
  expect(renewed.id).toBe(agent.id)
  expect(renewed.secret).not.toBe(agent.secret)
  await expect(world.registerWith(token)).rejects.toMatchObject({ code: 7 })
  expect([(await shown())?.name, (await shown())?.doubledSince]).toEqual(['fake', undefined])
  expect(await refused('b')).toBe(16)
  const control = renewed.control()
  await control.hello({ instanceId: 'd', jobs: [{ job, phase: JobPhase.RUNNING }] })
  await control.hear('start')
  await control.succeed(job)
  expect((await world.stepOf(runId, 'step')).run.status).toBe(RunStatus.SUCCEEDED)
})

test('a job of the older process is not repeated before that one must have fenced itself', async () => {
  const clock = manualClock()
  await world[Symbol.asyncDispose]()
  world = await AgentWorld.start({ overrides: { clock } })
  agent = await world.register()
  const older = agent.control()
  await older.hello({ instanceId: 'older' })
  const runId = await world.startRun([{ id: 'step', onLost: OnLost.RETRY }])
  const { job } = await older.take()
  older.say({ case: 'started', value: { job } })
  await world.untilStep(runId, 'step', StepStatus.RUNNING)
  clock.advance(10)
  const newer = agent.control()
  await newer.hello({ instanceId: 'newer' })
  await older.end()
  // Also not when the newer one's stream is cut meanwhile.
  newer.cut()
  await newer.end()
  const again = agent.control()
  await again.hello({ instanceId: 'newer' })
  again.say({ case: 'heartbeat', value: {} })
  await again.hear('heartbeatAck')
  clock.advance(world.controller.config.lostAfterMs - 1)
  again.say({ case: 'heartbeat', value: {} })
  await again.hear('heartbeatAck')
  expect((await world.stepOf(runId, 'step')).step.attempts).toHaveLength(1)
  clock.advance(1)
  const second = await again.take()
  expect(second.job.jobId).not.toBe(job.jobId)
})
