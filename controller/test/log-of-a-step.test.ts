// The log of a step at every moment of its life: before it starts, when it never does, and right after its end.
import { createHash } from 'node:crypto'
import { type JobRef, Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { ErrorInfoSchema } from '@ansflow/proto/gen/ansflow/v1/errors_pb'
import { LogService } from '@ansflow/proto/gen/ansflow/v1/logs_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { ConnectError } from '@connectrpc/connect'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  type FakeAgent,
  type FakeControl,
  type FakeLogs,
  registerFakeAgent,
} from '../src/features/agents/test/fake-agent.ts'
import { startController, type TestController } from './start-controller.ts'

let c: TestController
let agent: FakeAgent
let control: FakeControl
let logs: FakeLogs
let runId: string

beforeEach(async () => {
  c = await startController()
  const owner = c.as(c.owner)
  const yaml = 'name: p\nsteps:\n  one: { run: "true" }\n  two: { run: "true", needs: [one] }\n'
  const { pipeline } = await owner
    .client(PipelineService)
    .applyPipeline({ projectId: await c.addProject(), yaml, publish: true })
  const { run } = await owner.client(RunService).startRun({ pipelineId: pipeline?.id ?? '' })
  runId = run?.id ?? ''
  const { token } = await owner.client(AgentService).createRegistrationToken({})
  agent = await registerFakeAgent(c.grpcAddress, token)
  control = agent.control()
  logs = agent.logs()
})
afterEach(async () => {
  agent.close()
  await c[Symbol.asyncDispose]()
})

const bytes = Buffer.from('a line\nanother\n')
const api = () => c.as(c.owner).client(LogService)

/** All that is followed, as one text, or the reason of the error. */
async function follow(stepId: string, attempt = 0): Promise<string> {
  const pieces: Uint8Array[] = []
  try {
    for await (const { data } of api().followLog({ runId, stepId, attempt })) pieces.push(data)
    return Buffer.concat(pieces).toString()
  } catch (error) {
    return reasonOf(error)
  }
}

function reasonOf(error: unknown): string {
  return ConnectError.from(error).findDetails(ErrorInfoSchema)[0]?.reason ?? String(error)
}

const refused = (call: Promise<unknown>): Promise<string> => call.then(() => 'answered', reasonOf)

function download(stepId: string, query = ''): Promise<Response> {
  return fetch(`${c.url}/download/runs/${runId}/steps/${stepId}/log${query}`, {
    headers: { authorization: `Bearer ${c.owner.token}` },
  })
}

async function refusedDownload(stepId: string, query = ''): Promise<[number, string]> {
  const response = await download(stepId, query)
  const { details } = (await response.json()) as { details: { debug: { reason: string } }[] }
  return [response.status, details[0]?.debug.reason ?? '']
}

function sendAll(job: JobRef, from = 0): void {
  const finalSha256 = createHash('sha256').update(bytes).digest()
  logs.send({ job, offset: BigInt(from), data: bytes.subarray(from), finalSize: BigInt(bytes.length), finalSha256 })
}

async function end(job: JobRef, outcome = Outcome.SUCCEEDED): Promise<void> {
  const exitCode = outcome === Outcome.SUCCEEDED ? 0 : 1
  control.say({ case: 'finished', value: { job, outcome, exitCode, logSize: BigInt(bytes.length) } })
  await control.hear('finishedAck')
}

test('a log that will come is waited for, and not mistaken for a typo', async () => {
  const followed = [follow('one'), follow('two'), follow('two', 1), follow('one', 1)]
  expect(await refused(api().readLog({ runId, stepId: 'two' }))).toBe('log_not_started')
  expect(await refused(api().readLines({ runId, stepId: 'two' }))).toBe('log_not_started')
  expect(await refusedDownload('one')).toEqual([400, 'log_not_started'])
  expect(await refusedDownload('two')).toEqual([400, 'log_not_started'])
  expect(await follow('tow')).toBe('attempt_not_found')
  expect(await refused(api().readLog({ runId, stepId: 'tow' }))).toBe('attempt_not_found')
  expect(await refusedDownload('tow')).toEqual([404, 'attempt_not_found'])
  await control.hello()
  for (let i = 0; i < 2; i++) {
    const { job } = await control.take()
    sendAll(job)
    await end(job)
  }
  expect(await Promise.all(followed)).toEqual(Array(4).fill(bytes.toString()))
  expect(await follow('two', 2)).toBe('attempt_not_found')
})

test('of a step that is never started, whoever waits is told so', async () => {
  const followed = follow('two')
  await control.hello()
  const { job } = await control.take()
  sendAll(job)
  await end(job, Outcome.FAILED)
  expect(await followed).toBe('log_none')
  expect(await refused(api().readLog({ runId, stepId: 'two' }))).toBe('log_none')
  expect(await refusedDownload('two')).toEqual([400, 'log_none'])
})

test('a job that is canceled before an agent has it has a complete, empty log', async () => {
  const followed = follow('one')
  await c.as(c.owner).client(RunService).cancelRun({ runId })
  expect(await followed).toBe('')
  expect(await api().readLog({ runId, stepId: 'one' })).toMatchObject({ nextOffset: 0n, complete: true })
  const response = await download('one')
  expect([response.status, response.headers.get('ansflow-log-complete')]).toEqual([200, 'true'])
})

test('a download waits for the last bytes of a step that has ended', async () => {
  await control.hello()
  const { job } = await control.take()
  logs.send({ job, offset: 0n, data: bytes.subarray(0, 7) })
  await logs.answer(({ stored }) => stored === 7n)
  await end(job)
  const early = await api().readLog({ runId, stepId: 'one' })
  expect([early.nextOffset, early.complete]).toEqual([7n, false])
  const downloaded = download('one')
  sendAll(job, 7)
  const response = await downloaded
  expect(response.headers.get('content-length')).toBe(String(bytes.length))
  expect(response.headers.get('ansflow-log-complete')).toBe('true')
  expect(await response.text()).toBe(bytes.toString())
})

test('a download while the step runs is a part and says so, or is followed to the end; that of a step that has ended is followed', async () => {
  await control.hello()
  const { job } = await control.take()
  logs.send({ job, offset: 0n, data: bytes.subarray(0, 7) })
  await logs.answer(({ stored }) => stored === 7n)
  const part = await download('one')
  expect(part.headers.get('content-length')).toBeNull()
  expect(part.headers.get('ansflow-log-complete')).toBe('false')
  expect(part.headers.get('content-disposition')).toContain('one-1.part.log')
  expect(await part.text()).toBe('a line\n')
  const following = await download('one', '?follow=true')
  await end(job)
  const ofEnded = await download('one')
  for (const { headers } of [following, ofEnded]) {
    expect([headers.get('content-length'), headers.get('ansflow-log-complete')]).toEqual([null, null])
    expect(headers.get('content-disposition')).toContain('one-1.log')
  }
  sendAll(job, 7)
  expect(await Promise.all([following.text(), ofEnded.text()])).toEqual([bytes.toString(), bytes.toString()])
})
