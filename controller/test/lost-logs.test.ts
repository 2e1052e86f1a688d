// A log whose agent will not send the rest ends, says that it is a part, and grows all the same should the agent come back.
import { createHash } from 'node:crypto'
import { type JobRef, Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { LogService } from '@ansflow/proto/gen/ansflow/v1/logs_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RunService, StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type FakeAgent, type FakeControl, registerFakeAgent } from '../src/features/agents/test/fake-agent.ts'
import { type ManualClock, manualClock } from '../src/platform/clock.ts'
import { LiveClient } from './live-client.ts'
import { startController, type TestController } from './start-controller.ts'
import { waitFor } from './wait-for.ts'

let c: TestController
let clock: ManualClock
let agent: FakeAgent
let control: FakeControl
let job: JobRef
let runId: string
const bytes = Buffer.from('a line\nanother\n')
const half = 7

beforeEach(async () => {
  clock = manualClock()
  c = await startController({ overrides: { clock }, config: { lostAfterMs: 30_000 } })
  const owner = c.as(c.owner)
  const yaml = 'name: p\nsteps:\n  one: { run: "true" }\n'
  const { pipeline } = await owner
    .client(PipelineService)
    .applyPipeline({ projectId: await c.addProject(), yaml, publish: true })
  const { run } = await owner.client(RunService).startRun({ pipelineId: pipeline?.id ?? '' })
  runId = run?.id ?? ''
  const { token } = await owner.client(AgentService).createRegistrationToken({})
  agent = await registerFakeAgent(c.grpcAddress, token)
  control = agent.control()
  await control.hello()
  job = (await control.take()).job
  const logs = agent.logs()
  logs.send({ job, offset: 0n, data: bytes.subarray(0, half) })
  await logs.answer(({ stored }) => stored === BigInt(half))
  logs.cut()
})
afterEach(async () => {
  agent.close()
  await c[Symbol.asyncDispose]()
})

const log = () => ({ runId, stepId: 'one' })
const read = () => c.as(c.owner).client(LogService).readLog(log())
const finished = { outcome: Outcome.SUCCEEDED, exitCode: 0, logSize: BigInt(bytes.length) }

const textOf = ({ data, complete, part }: { data: Uint8Array; complete: boolean; part: boolean }) =>
  Buffer.from(data).toString() + (complete ? `complete ${part}` : '')

/** What is followed and how it ends, over both doors and the socket: time passes until they do. */
async function follow(): Promise<{ ends(): Promise<string[]> }> {
  const streams = [c.as(c.owner).client(LogService), c.grpcClient(LogService, c.owner.token)].map(async (client) => {
    let text = ''
    for await (const piece of client.followLog(log())) text += textOf(piece)
    return text
  })
  const socket = await LiveClient.open(c.url, c.owner.token)
  await socket.subscribe(`log/${runId}/one/1`)
  streams.push(
    socket
      .until(() => socket.chunks.at(-1)?.complete)
      .then(() => socket.chunks.map(textOf).join(''))
      .finally(() => socket.close()),
  )
  return {
    async ends() {
      let settled = false
      const texts = Promise.all(streams).finally(() => {
        settled = true
      })
      await passTimeUntil(() => settled)
      return texts
    },
  }
}

const asParts = Array(3).fill('a line\ncomplete true')

async function passTimeUntil(is: () => boolean | Promise<boolean>): Promise<void> {
  await waitFor(() => {
    clock.advance(5000)
    return is()
  })
}

const stepStatus = async () => (await c.as(c.owner).client(RunService).getRun({ runId })).run?.steps[0]?.status

test('with the loss of its job; the agent that comes back adds the rest', async () => {
  const following = await follow()
  control.cut()
  await control.end()
  await passTimeUntil(async () => (await stepStatus()) === StepStatus.LOST)
  expect(await following.ends()).toEqual(asParts)
  expect(await read()).toMatchObject({ nextOffset: BigInt(half), complete: true, part: true })
  const lines = await c.as(c.owner).client(LogService).readLines(log())
  expect(lines).toMatchObject({ totalLines: 1, complete: true, part: true })
  const download = await fetch(`${c.url}/download/runs/${runId}/steps/one/log`, {
    headers: { authorization: `Bearer ${c.owner.token}` },
  })
  expect([download.headers.get('ansflow-log-complete'), await download.text()]).toEqual(['false', 'a line\n'])

  const logs = agent.logs()
  const finalSha256 = createHash('sha256').update(bytes).digest()
  logs.send({ job, offset: BigInt(half), data: bytes.subarray(half), finalSize: BigInt(bytes.length), finalSha256 })
  await logs.answer(({ complete }) => complete)
  expect(await read()).toMatchObject({ data: new Uint8Array(bytes), complete: true, part: false })
})

test('with the loss of its agent after the job had ended well', async () => {
  control.say({ case: 'finished', value: { job, ...finished } })
  await control.hear('finishedAck')
  const following = await follow()
  expect(await read()).toMatchObject({ complete: false, part: false })
  const headers = { authorization: `Bearer ${c.owner.token}` }
  const answering = fetch(`${c.url}/download/runs/${runId}/steps/one/log`, { headers })
  let body: Response['body'] | undefined
  void answering.then((answer) => (body = answer.body))
  // It waits a moment for a log that might be whole by then.
  await waitFor(() => {
    clock.advance(20)
    return body
  })
  const downloading = body!.getReader()
  expect(Buffer.from((await downloading.read()).value!).toString()).toBe('a line\n')
  control.cut()
  await control.end()
  expect(await following.ends()).toEqual(asParts)
  // It does not end as if that were all.
  await expect(downloading.read()).rejects.toThrow()
  expect(await stepStatus()).toBe(StepStatus.SUCCEEDED)
})

test('with the deletion of its agent', async () => {
  control.say({ case: 'finished', value: { job, ...finished } })
  await control.hear('finishedAck')
  const following = await follow()
  await c.as(c.owner).client(AgentService).deleteAgent({ agentId: agent.id, force: true })
  expect(await following.ends()).toEqual(asParts)
})
