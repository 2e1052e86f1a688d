// An agent that lies: about another agent's job, about time, about what it may say. And where a secret never is.

import { JobPhase, Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { LogService } from '@ansflow/proto/gen/ansflow/v1/logs_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RunService, StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { SecretService } from '@ansflow/proto/gen/ansflow/v1/secrets_pb'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type FakeAgent, registerFakeAgent } from '../src/features/agents/test/fake-agent.ts'
import { startController, type TestController } from './start-controller.ts'

const canary = 'canary 4711 ✓'
let c: TestController
let honest: FakeAgent
let liar: FakeAgent
let runId: string

beforeEach(async () => {
  c = await startController()
  const owner = c.as(c.owner)
  const projectId = await c.addProject()
  for (const name of ['TOKEN', 'OTHER']) {
    await owner.client(SecretService).putSecret({ projectId, name, value: `${canary} ${name}` })
  }
  const yaml = 'name: p\nsteps:\n  one: { run: "true", secrets: [TOKEN] }\n'
  const { pipeline } = await owner.client(PipelineService).applyPipeline({ projectId, yaml, publish: true })
  const register = async (name: string) => {
    const { token } = await owner.client(AgentService).createRegistrationToken({})
    return registerFakeAgent(c.grpcAddress, token, name)
  }
  honest = await register('honest')
  liar = await register('liar')
  const { run } = await owner.client(RunService).startRun({ pipelineId: pipeline?.id ?? '' })
  runId = run?.id ?? ''
})
afterEach(async () => {
  honest.close()
  liar.close()
  await c[Symbol.asyncDispose]()
})

async function stepOne() {
  const { run } = await c.as(c.owner).client(RunService).getRun({ runId })
  return run?.steps[0]
}

test('a job belongs to the agent that took it', async () => {
  const control = honest.control()
  await control.hello()
  const { job, secrets } = await control.take()
  expect(secrets.map((secret) => secret.name)).toEqual(['TOKEN'])

  const other = liar.control()
  const welcome = await other.hello({ jobs: [{ job, phase: JobPhase.RUNNING }] })
  expect(welcome.forget).toMatchObject([{ jobId: job.jobId }])
  for (const kind of [
    { case: 'accept', value: { job } },
    { case: 'started', value: { job } },
    { case: 'finished', value: { job, outcome: Outcome.SUCCEEDED, exitCode: 0 } },
  ] as const) {
    other.say(kind)
    expect((await other.hear('stale')).job?.jobId).toBe(job.jobId)
  }
  const logs = liar.logs()
  logs.send({ job, offset: 0n, data: Buffer.from('not mine\n') })
  expect((await logs.answer(() => true)).stale).toBe(true)
  control.say({ case: 'finished', value: { job: { ...job, epoch: job.epoch + 1 }, outcome: Outcome.SUCCEEDED } })
  await control.hear('stale')
  expect((await stepOne())?.status).toBe(StepStatus.QUEUED)
  expect(other.heard.filter((message) => message.case === 'start')).toEqual([])
})

test('times from outside of the calendar do no harm', async () => {
  const control = honest.control()
  await control.hello()
  const { job } = await control.take()
  const never = { seconds: 2n ** 60n, nanos: 0 }
  const logs = honest.logs()
  logs.send({ job, offset: 0n, data: Buffer.from('a line\n'), baseAt: never })
  await logs.answer(({ stored }) => stored === 7n)
  control.say({ case: 'started', value: { job, at: never } })
  control.say({
    case: 'finished',
    value: { job, outcome: Outcome.SUCCEEDED, exitCode: 0, startedAt: { seconds: -(2n ** 60n) }, finishedAt: never },
  })
  await control.hear('finishedAck')
  const lines = await post('ansflow.v1.LogService/ReadLines', { runId, stepId: 'one' })
  expect(await lines.json()).toMatchObject({ lines: [{ text: 'a line' }] })
  expect((await post('ansflow.v1.RunService/GetRun', { runId })).status).toBe(200)
  const step = await stepOne()
  expect(step?.status).toBe(StepStatus.SUCCEEDED)
})

test('a secret is in no table, no answer and no log, also when its agent lets it through', async () => {
  const control = honest.control()
  await control.hello()
  const { job, secrets } = await control.take()
  expect(secrets[0]?.value).toBe(`${canary} TOKEN`)
  const logs = honest.logs()
  const bytes = Buffer.from(`before ${canary} TOKEN after\n`)
  // In two pieces, cut inside of the secret.
  logs.send({ job, offset: 0n, data: bytes.subarray(0, 12) })
  logs.send({ job, offset: 12n, data: bytes.subarray(12) })
  await logs.answer(({ stored }) => stored === BigInt(bytes.length))
  control.say({ case: 'finished', value: { job, outcome: Outcome.SUCCEEDED, exitCode: 0 } })
  await control.hear('finishedAck')
  const { data } = await c.as(c.owner).client(LogService).readLog({ runId, stepId: 'one' })
  expect(Buffer.from(data).toString()).toMatch(/^before \*+ after\n$/)
  expect(data).toHaveLength(bytes.length)
  const tables = c.db.orm.getMetadata().getAll().values()
  for (const { tableName } of tables) {
    const rows = await c.db.em().execute<Record<string, unknown>[]>(`select * from \`${tableName}\``)
    const texts = rows
      .flatMap((row) => Object.values(row))
      .map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : String(value)))
    expect(texts.filter((text) => text.includes('canary'))).toEqual([])
  }
})

test('the download of a log answers every range as HTTP has it, as a file that no browser runs', async () => {
  const control = honest.control()
  await control.hello()
  const { job } = await control.take()
  const logs = honest.logs()
  logs.send({ job, offset: 0n, data: Buffer.from('0123456789') })
  await logs.answer(({ stored }) => stored === 10n)
  const ranges: [string, number, string | null, string][] = [
    ['bytes=0-', 206, 'bytes 0-9/*', '0123456789'],
    ['bytes=3-4', 206, 'bytes 3-4/*', '34'],
    ['bytes=-2', 206, 'bytes 8-9/*', '89'],
    ['bytes=-99', 206, 'bytes 0-9/*', '0123456789'],
    ['bytes=5-2', 200, null, '0123456789'],
    ['bytes=0-0,2-2', 200, null, '0123456789'],
    ['items=0-1', 200, null, '0123456789'],
    ['bytes=0-99999999999999999999', 200, null, '0123456789'],
  ]
  for (const [range, status, part, body] of ranges) {
    const response = await download({ range })
    expect([range, response.status, response.headers.get('content-range'), await response.text()]).toEqual([
      range,
      status,
      part,
      body,
    ])
  }
  for (const range of ['bytes=10-', 'bytes=-0']) {
    const response = await download({ range })
    expect([response.status, response.headers.get('content-range')]).toEqual([416, 'bytes */10'])
  }
  const { headers } = await download({})
  expect(headers.get('content-type')).toBe('text/plain; charset=utf-8')
  expect(headers.get('content-disposition')).toMatch(/^attachment; /)
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('cache-control')).toBe('no-store')
  const foreign = await download({ 'sec-fetch-site': 'cross-site' })
  expect([foreign.status, await foreign.json()]).toMatchObject([
    403,
    {
      details: expect.arrayContaining([
        expect.objectContaining({ debug: expect.objectContaining({ reason: 'cross_site' }) }),
      ]),
    },
  ])
  expect((await download({ authorization: `Bearer ${liar.secret}` })).status).toBe(403)
  expect((await download({}, '?attempt=1&attempt=2')).status).toBe(400)
})

function download(headers: Record<string, string>, query = ''): Promise<Response> {
  const authorization = `Bearer ${c.owner.token}`
  return fetch(`${c.url}/download/runs/${runId}/steps/one/log${query}`, { headers: { authorization, ...headers } })
}

function post(path: string, body: object): Promise<Response> {
  return fetch(`${c.url}/api/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${c.owner.token}` },
    body: JSON.stringify(body),
  })
}
