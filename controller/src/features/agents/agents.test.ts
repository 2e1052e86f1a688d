// Agents as the controller meets them: a real controller, real gRPC, agents that do what tests tell them, right or wrong.
import { createHash } from 'node:crypto'
import { JobPhase, Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { AgentService, AgentStatus } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { LogService } from '@ansflow/proto/gen/ansflow/v1/logs_pb'
import { RunService, RunStatus, StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { TestController } from '../../../test/start-controller.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { AgentWorld } from './test/agent-world.ts'
import { type FakeAgent, registerFakeAgent } from './test/fake-agent.ts'

let world: AgentWorld
let test_: TestController
let agent: FakeAgent

beforeEach(async () => {
  world = await AgentWorld.start()
  test_ = world.controller
  agent = await world.register()
})
afterEach(() => world[Symbol.asyncDispose]())

describe('a job', () => {
  test('goes from offer to finished, with its log', async () => {
    const control = agent.control()
    const welcome = await control.hello()
    expect(welcome).toMatchObject({ agentId: agent.id, forget: [], cancel: [], drain: false })
    const runId = await world.startRun([{ id: 'a' }, { id: 'b', needs: [{ stepId: 'a' }] }])
    const { job, stepId } = await control.take()
    expect(stepId).toBe('a')
    control.say({ case: 'started', value: { job } })
    const text = Buffer.from('hello\nworld\n')
    const logs = agent.logs()
    logs.send({ job, offset: 0n, data: text, lineLengths: [6, 6], lineMs: [1, 2] })
    logs.send({
      job,
      offset: BigInt(text.length),
      finalSize: BigInt(text.length),
      finalSha256: createHash('sha256').update(text).digest(),
    })
    await logs.answer((answer) => answer.complete)
    control.say({
      case: 'finished',
      value: { job, outcome: Outcome.SUCCEEDED, exitCode: 0, logSize: BigInt(text.length) },
    })
    expect((await control.hear('finishedAck')).job).toMatchObject({ jobId: job.jobId, epoch: job.epoch })
    const next = await control.take()
    expect(next.stepId).toBe('b')
    // Said again, answered the same.
    control.say({ case: 'finished', value: { job, outcome: Outcome.FAILED } })
    expect((await control.hear('finishedAck')).job?.jobId).toBe(job.jobId)
    const { step } = await world.stepOf(runId, 'a')
    expect(step.status).toBe(StepStatus.SUCCEEDED)
    expect(step.attempts[0]).toMatchObject({ agentId: agent.id, agentName: 'fake', logSize: 12n, logComplete: true })
    const read = await test_.as(test_.owner).client(LogService).readLog({ runId, stepId: 'a' })
    expect(Buffer.from(read.data).toString()).toBe('hello\nworld\n')
    expect(read).toMatchObject({ nextOffset: 12n, complete: true })
    const download = await fetch(`${test_.url}/download/runs/${runId}/steps/a/log`, {
      headers: { authorization: `Bearer ${test_.owner.token}`, range: 'bytes=6-' },
    })
    expect([download.status, download.headers.get('content-range'), await download.text()]).toEqual([
      206,
      'bytes 6-11/12',
      'world\n',
    ])
    await control.succeed(next.job)
    expect((await world.stepOf(runId, 'b')).run.status).toBe(RunStatus.SUCCEEDED)
  })

  test('has a whole log with its result when it wrote nothing, as whoever follows it is told', async () => {
    const control = agent.control()
    await control.hello()
    const runId = await world.startRun([{ id: 'a' }])
    const { job } = await control.take()
    control.say({ case: 'started', value: { job } })
    await world.until(runId, 'a', ({ status }) => status === StepStatus.RUNNING)
    const logs = test_.as(test_.owner).client(LogService)
    const followed = (async () => {
      for await (const part of logs.followLog({ runId, stepId: 'a' })) if (part.complete) return part
      return undefined
    })()
    control.say({ case: 'finished', value: { job, outcome: Outcome.SUCCEEDED, exitCode: 0 } })
    expect(await control.hear('finishedAck')).toMatchObject({ logComplete: true })
    expect(await followed).toMatchObject({ complete: true })
    const { step } = await world.stepOf(runId, 'a')
    expect(step.attempts[0]).toMatchObject({ logSize: 0n, logComplete: true })
    // Said again, answered the same; one that ended otherwise before is not taken for whole.
    control.say({ case: 'finished', value: { job, outcome: Outcome.SUCCEEDED, exitCode: 0 } })
    expect(await control.hear('finishedAck')).toMatchObject({ logComplete: true })
    const other = await world.startRun([{ id: 'b' }])
    const next = await control.take()
    control.say({ case: 'finished', value: { job: next.job, outcome: Outcome.FAILED, exitCode: 1, logSize: 5n } })
    expect(await control.hear('finishedAck')).toMatchObject({ logComplete: false })
    control.say({ case: 'finished', value: { job: next.job, outcome: Outcome.FAILED, exitCode: 1 } })
    expect(await control.hear('finishedAck')).toMatchObject({ logComplete: false })
    expect((await world.stepOf(other, 'b')).step.attempts[0]).toMatchObject({ logSize: 0n, logComplete: false })
  })

  test('is offered to somebody else when it is refused, and says why it waits', async () => {
    const control = agent.control()
    await control.hello()
    const runId = await world.startRun([{ id: 'a' }])
    const offer = await control.hear('offer')
    control.say({ case: 'reject', value: { job: offer.job!, reason: 'journal cannot be written: disk full' } })
    const again = await control.hear('offer')
    expect(again.job?.jobId).toBe(offer.job?.jobId)
    expect(again.job?.epoch).toBe((offer.job?.epoch ?? 0) + 1)
    // The old epoch is over.
    control.say({ case: 'accept', value: { job: offer.job! } })
    expect((await control.hear('stale')).job?.epoch).toBe(offer.job?.epoch)
    control.say({ case: 'accept', value: { job: again.job! } })
    await control.hear('start')
    expect((await world.stepOf(runId, 'a')).step.attempts).toHaveLength(1)
  })

  test('waits with a reason while no agent has its labels', async () => {
    const control = agent.control()
    await control.hello()
    const runId = await world.startRun([{ id: 'a', runsOn: ['gpu'] }])
    for await (const event of test_.as(test_.owner).client(RunService).watchRun({ runId })) {
      if (event.steps.some((step) => step.reasonInfo?.code === 'labels_missing')) break
    }
    control.cut()
    await control.end()
    const other = agent.control()
    await other.hello({ labels: ['gpu'] })
    await other.take()
  })

  test('in a container waits for an agent with a runtime, and its image is told', async () => {
    const control = agent.control()
    await control.hello()
    const runId = await world.startRun([{ id: 'a', image: 'node:22' }])
    for await (const event of test_.as(test_.owner).client(RunService).watchRun({ runId })) {
      const why = event.steps.map((step) => step.reason).find((reason) => reason.startsWith('No agent with'))
      if (why === undefined) continue
      expect(why).toBe('No agent with a container runtime is online.')
      break
    }
    control.cut()
    await control.end()
    const other = agent.control()
    await other.hello({ capabilities: ['shell', 'container'] })
    const { job } = await other.take()
    const image = { name: 'node:22', digest: `sha256:${'0'.repeat(64)}` }
    other.say({ case: 'finished', value: { job, outcome: Outcome.SUCCEEDED, exitCode: 0, image } })
    await other.hear('finishedAck')
    expect((await world.stepOf(runId, 'a')).step.attempts[0]).toMatchObject({ image })
    expect((await world.stepOf(await world.startRun([{ id: 'b' }]), 'b')).step.attempts[0]?.image).toBeUndefined()
  })

  test('is canceled on the stream and in every heartbeat answer', async () => {
    const control = agent.control()
    await control.hello()
    const runId = await world.startRun([{ id: 'a' }])
    const { job } = await control.take()
    control.say({ case: 'started', value: { job } })
    await world.untilStep(runId, 'a', StepStatus.RUNNING)
    await world.driver.cancel(runId, { id: test_.owner.userId, name: 'owner' })
    expect((await control.hear('cancel')).job).toMatchObject(ref(job))
    control.say({ case: 'heartbeat', value: { running: [job] } })
    expect((await control.hear('heartbeatAck')).cancel).toMatchObject([ref(job)])
    control.say({ case: 'finished', value: { job, outcome: Outcome.CANCELED, exitCode: 143 } })
    await control.hear('finishedAck')
    expect((await world.stepOf(runId, 'a')).run.status).toBe(RunStatus.CANCELED)
  })
})

describe('a link that was cut', () => {
  test('is taken up again from what the agent has', async () => {
    const first = agent.control()
    await first.hello()
    const runId = await world.startRun([{ id: 'a' }, { id: 'b' }])
    const one = await first.take()
    const two = await first.take()
    first.say({ case: 'started', value: { job: one.job } })
    await world.untilStep(runId, one.stepId, StepStatus.RUNNING)
    first.cut()
    const second = agent.control()
    const unknown = { jobId: uuidv7(), epoch: 1 }
    const welcome = await second.hello({
      jobs: [
        { job: one.job, phase: JobPhase.FINISHED, finished: { job: one.job, outcome: Outcome.SUCCEEDED, exitCode: 0 } },
        { job: two.job, phase: JobPhase.RUNNING },
        { job: unknown, phase: JobPhase.RUNNING },
      ],
    })
    expect(welcome.forget).toMatchObject([unknown])
    expect((await second.hear('finishedAck')).job).toMatchObject(ref(one.job))
    // The secrets come again: a restarted agent has forgotten them.
    expect((await second.hear('start')).job).toMatchObject(ref(two.job))
    await world.untilStep(runId, two.stepId, StepStatus.RUNNING)
    await second.succeed(two.job)
    expect((await world.stepOf(runId, 'a')).run.status).toBe(RunStatus.SUCCEEDED)
  })

  test('loses what the agent does not know of any more', async () => {
    const first = agent.control()
    await first.hello()
    const runId = await world.startRun([{ id: 'a' }])
    const { job } = await first.take()
    first.say({ case: 'started', value: { job } })
    await world.untilStep(runId, 'a', StepStatus.RUNNING)
    first.cut()
    const second = agent.control()
    await second.hello()
    await world.untilStep(runId, 'a', StepStatus.LOST)
    second.say({ case: 'started', value: { job } })
    expect((await second.hear('stale')).job).toMatchObject(ref(job))
  })

  test('gives an offer back that was not accepted', async () => {
    const first = agent.control()
    await first.hello()
    await world.startRun([{ id: 'a' }])
    const offer = await first.hear('offer')
    first.cut()
    const second = agent.control()
    await second.hello()
    const { job } = await second.take()
    expect(job).toMatchObject({ jobId: offer.job?.jobId, epoch: (offer.job?.epoch ?? 0) + 1 })
  })

  test('is replaced by a newer one', async () => {
    const first = agent.control()
    await first.hello()
    const second = agent.control()
    await second.hello()
    expect((await first.end()).error?.code).toBe(10)
    second.say({ case: 'heartbeat', value: {} })
    await second.hear('heartbeatAck')
  })
})

describe('what agents may not', () => {
  test('register twice with one token, or with none', async () => {
    const { token } = await test_
      .as(test_.owner)
      .client(AgentService)
      .createRegistrationToken({ organizationId: test_.owner.organizationId })
    const other = await registerFakeAgent(test_.grpcAddress, token)
    other.close()
    await expect(registerFakeAgent(test_.grpcAddress, token)).rejects.toMatchObject({ code: 7 })
    await expect(registerFakeAgent(test_.grpcAddress, 'afr_x')).rejects.toMatchObject({ code: 7 })
  })

  test('speak before the hello, or about jobs of others', async () => {
    const rude = agent.control()
    rude.say({ case: 'heartbeat', value: {} })
    expect((await rude.end()).error?.code).toBe(9)
    const control = agent.control()
    await control.hello()
    await world.startRun([{ id: 'a' }])
    const { job } = await control.take()
    const thief = await world.register('thief')
    const stolen = thief.control()
    await stolen.hello()
    stolen.say({ case: 'finished', value: { job, outcome: Outcome.FAILED } })
    expect((await stolen.hear('stale')).job).toMatchObject(ref(job))
    const logs = thief.logs()
    logs.send({ job, offset: 0n, data: Buffer.from('mine\n') })
    expect((await logs.answer(() => true)).stale).toBe(true)
    thief.close()
  })
})

describe('people', () => {
  test('see agents, drain and delete them', async () => {
    const agents = test_.as(test_.owner).client(AgentService)
    const control = agent.control()
    await control.hello({ labels: ['linux', 'x64'], host: { hostname: 'h', os: 'linux', cpus: 2 } })
    await world.startRun([{ id: 'a' }])
    const { job } = await control.take()
    const { agents: list } = await agents.listAgents({ organizationId: test_.owner.organizationId })
    expect(list).toMatchObject([
      { name: 'fake', status: AgentStatus.ONLINE, labels: ['linux', 'x64'], slots: 2, jobs: [{ stepId: 'a' }] },
    ])
    await expect(agents.deleteAgent({ agentId: agent.id })).rejects.toThrow(/pipeline #1/)
    expect((await agents.drainAgent({ agentId: agent.id, drain: true })).agent?.draining).toBe(true)
    expect((await control.hear('drain')).drain).toBe(true)
    await control.succeed(job)
    await agents.deleteAgent({ agentId: agent.id })
    expect((await control.end()).error?.code).toBe(16)
    expect((await agents.listAgents({ organizationId: test_.owner.organizationId })).agents).toEqual([])
  })
})

function ref({ jobId, epoch }: { jobId: string; epoch: number }) {
  return { jobId, epoch }
}
