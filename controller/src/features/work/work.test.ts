// Steps that the controller does itself, against a real server: what is sent, what is read out of the answer, and what becomes of
// them when they fail, hang, are canceled, or their controller stops.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { LogService } from '@ansflow/proto/gen/ansflow/v1/logs_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RunSchema, RunService, RunStatus, StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { SecretService } from '@ansflow/proto/gen/ansflow/v1/secrets_pb'
import { isTerminal } from '@ansflow/proto/status'
import { toJsonString } from '@bufbuild/protobuf'
import { afterEach, expect, test } from 'vitest'
import { startController, type TestController } from '../../../test/start-controller.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { readAllowed } from '../../platform/outbound-rules.ts'

interface Heard {
  method: string
  url: string
  headers: IncomingMessage['headers']
  body: string
}

type Answer = (heard: Heard, response: ServerResponse) => void

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** A server on loopback that keeps what it hears. */
async function serve(answer: Answer) {
  const heard: Heard[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (part) => (body += part))
    request.on('end', () => {
      const all = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body }
      heard.push(all)
      answer(all, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { heard, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const json =
  (value: unknown, status = 200): Answer =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  }

async function open(allow = '127.0.0.1', file = false) {
  const c = await startController({ file, config: { outboundAllowed: readAllowed(allow) } })
  closing.push(async () => c[Symbol.asyncDispose]())
  return c
}

async function start(c: TestController, steps: string, secrets: Record<string, string> = {}): Promise<string> {
  const projectId = await c.addProject()
  for (const [name, value] of Object.entries(secrets)) {
    await c.as(c.owner).client(SecretService).putSecret({ projectId, name, value })
  }
  const yaml = `name: x\nsteps:\n${steps}`
  const applied = await c.as(c.owner).client(PipelineService).applyPipeline({ projectId, yaml, publish: true })
  expect(applied.problems).toEqual([])
  const { run } = await c.as(c.owner).client(RunService).startRun({ pipelineId: applied.pipeline!.id })
  return run!.id
}

const runOf = async (c: TestController, runId: string) =>
  (await c.as(c.owner).client(RunService).getRun({ runId })).run!

function ended(c: TestController, runId: string) {
  return waitFor(async () => {
    const run = await runOf(c, runId)
    return isTerminal(run.status) ? run : undefined
  })
}

async function logOf(c: TestController, runId: string, stepId: string): Promise<string> {
  const { data, complete } = await c.as(c.owner).client(LogService).readLog({ runId, stepId })
  expect(complete).toBe(true)
  return Buffer.from(data).toString()
}

test('a request is sent as it is written, and its answer becomes outputs of the step', async () => {
  const server = await serve((heard, response) => {
    if (heard.method === 'POST')
      return json({ data: { id: 7, name: 'web' }, echo: heard.headers.authorization })(heard, response)
    json({ ok: true })(heard, response)
  })
  const c = await open()
  const runId = await start(
    c,
    `  create:
    uses: http_request
    secrets: [API_TOKEN]
    with:
      method: POST
      url: ${server.url}/deployments?key=\${API_TOKEN}
      headers: { Authorization: "Bearer \${API_TOKEN}", X-Run: "\${{ run.number }}" }
      body: '{"ref": "main"}'
      outputs: { id: /data/id, all: /data }
  read: { uses: http_request, needs: [create], with: { url: "${server.url}/deployments/\${{ steps.create.outputs.id }}" } }
`,
    { API_TOKEN: 's3cret-token' },
  )
  const run = await ended(c, runId)
  expect(run.status).toBe(RunStatus.SUCCEEDED)
  expect(run.steps.map(({ outputs }) => outputs)).toEqual([
    { status: '200', id: '7', all: '{"id":7,"name":"web"}' },
    { status: '200' },
  ])
  expect(server.heard.map(({ method, url, body }) => [method, url, body])).toEqual([
    ['POST', '/deployments?key=s3cret-token', '{"ref": "main"}'],
    ['GET', '/deployments/7', ''],
  ])
  expect(server.heard[0]?.headers).toMatchObject({
    authorization: 'Bearer s3cret-token',
    'x-run': '1',
    'idempotency-key': `${runId}-create-1`,
  })
  const log = await logOf(c, runId, 'create')
  expect(log).toContain(`POST ${server.url}/deployments?key=***`)
  expect(log).toMatch(/Status 200 after \d+ ms, \d+ bytes/)
  expect(log).not.toContain('s3cret-token')
  expect(log).toContain('"echo":"Bearer ************"')
  // Nothing is left to do, and nothing keeps the value.
  expect(await c.db.kysely().selectFrom('work').selectAll().execute()).toEqual([])
  expect(run.steps[0]?.attempts).toMatchObject([{ number: 1, agentId: '', logComplete: true }])
})

test('what an answer repeats of a secret stands nowhere', async () => {
  const secret = 's3cret+token/with=signs'
  const server = await serve((heard, response) => {
    if (heard.url === '/away') response.writeHead(302, { location: `http://${secret.slice(0, 12)}.invalid/` }).end()
    else
      json({ own: heard.headers['x-key'], coded: Buffer.from(secret).toString('base64'), other: 'x' })(heard, response)
  })
  const c = await open()
  const runId = await start(
    c,
    `  echo:
    uses: http_request
    secrets: [KEY]
    with: { url: "${server.url}/", headers: { X-Key: "\${KEY}" }, outputs: { own: /own, coded: /coded, other: /other } }
  away:
    uses: http_request
    secrets: [PART]
    with: { url: "${server.url}/away", headers: { X-Key: "\${PART}" } }
`,
    { KEY: secret, PART: secret.slice(0, 12) },
  )
  const run = await ended(c, runId)
  expect(run.steps.find(({ id }) => id === 'echo')?.outputs).toEqual({ status: '200', other: 'x' })
  expect(await logOf(c, runId, 'echo')).toContain('The output "own" holds a secret; it was dropped.')
  const away = run.steps.find(({ id }) => id === 'away')
  expect(away?.status).toBe(StepStatus.FAILED)
  expect(away?.reason).toContain('***.invalid')
  expect(toJsonString(RunSchema, run)).not.toContain(secret.slice(0, 12))
})

test('a name that the step does not list is sent as it stands: with a warning, and told so in the log', async () => {
  const server = await serve(json({}))
  const c = await open()
  const projectId = await c.addProject()
  const yaml = `name: x\nsteps:\n  a: { uses: http_request, with: { url: "${server.url}/?k=\${OTHER}" } }\n`
  const applied = await c.as(c.owner).client(PipelineService).applyPipeline({ projectId, yaml, publish: true })
  expect(applied.problems).toMatchObject([{ code: 'secret_not_named', severity: Severity.WARNING, stepId: 'a' }])
  const { run } = await c.as(c.owner).client(RunService).startRun({ pipelineId: applied.pipeline!.id })
  expect((await ended(c, run!.id)).status).toBe(RunStatus.SUCCEEDED)
  expect(decodeURIComponent(server.heard[0]?.url ?? '')).toBe('/?k=${OTHER}')
  expect(await logOf(c, run!.id, 'a')).toContain(`GET ${server.url}/?k=\${OTHER}`)
})

test('what an expression brings never stands for a secret', async () => {
  const server = await serve(json({ said: '${API_TOKEN}' }))
  const c = await open()
  const runId = await start(
    c,
    `  ask: { uses: http_request, with: { url: "${server.url}", outputs: { said: /said } } }
  tell:
    uses: http_request
    needs: [ask]
    secrets: [API_TOKEN]
    with: { method: POST, url: "${server.url}", body: "\${{ steps.ask.outputs.said }} \${API_TOKEN}" }
`,
    { API_TOKEN: 's3cret-token' },
  )
  expect((await ended(c, runId)).status).toBe(RunStatus.SUCCEEDED)
  expect(server.heard[1]?.body).toBe('${API_TOKEN} s3cret-token')
})

test('an address that is not public is refused, by whatever name, unless the settings allow it', async () => {
  const server = await serve(json({}))
  const c = await open('10.0.0.0/8')
  const port = new URL(server.url).port
  const hosts = ['127.0.0.1', 'localhost', '2130706433', '0x7f.1', '[::ffff:127.0.0.1]', '0']
  const runId = await start(
    c,
    hosts.map((host, i) => `  s${i}: { uses: http_request, with: { url: "http://${host}:${port}/" } }\n`).join(''),
  )
  const run = await ended(c, runId)
  expect(run.steps.map(({ reasonInfo }) => reasonInfo?.code)).toEqual(hosts.map(() => 'request_failed'))
  for (const { reason } of run.steps) expect(reason).toMatch(/not a public address|not known/)
  expect(server.heard).toEqual([])
})

test.each([
  ['a status that was not expected', '', json({}, 404), 'It was answered with status 404, where 200-299 was expected.'],
  [
    'an output that is not there',
    'outputs: { id: /nothing }',
    json({}),
    'The answer has no value at /nothing for the output id.',
  ],
  ['a body that is no JSON', 'outputs: { id: /id }', ((_, r) => void r.end('<html>')) as Answer, /no JSON/],
  [
    'a connection that breaks',
    '',
    ((_, r) => void r.destroy()) as Answer,
    /The request failed: 127.0.0.1 did not answer/,
  ],
  ['an answer that is too large', '', ((_, r) => void r.end(Buffer.alloc(2 ** 21))) as Answer, /larger than 1024 KiB/],
  ['no answer in time', 'timeout: 200ms', (() => undefined) as Answer, /There was no answer within 0.2 s/],
])('%s fails the step with the reason', async (_, more, answer, reason) => {
  const server = await serve(answer)
  const c = await open()
  const runId = await start(c, `  ask: { uses: http_request, with: { url: "${server.url}", ${more} } }\n`)
  const run = await ended(c, runId)
  expect(run.status).toBe(RunStatus.FAILED)
  expect(run.steps[0]?.reason).toMatch(reason)
})

test('tries of its own are within an attempt, and the step’s retries make new ones', async () => {
  let count = 0
  const server = await serve((heard, response) =>
    json({}, ++count < 4 ? (count === 2 ? 500 : 503) : 200)(heard, response),
  )
  const c = await open()
  const runId = await start(
    c,
    `  ask: { uses: http_request, retry: { max: 1 }, with: { method: PUT, url: "${server.url}", retries: 1 } }\n`,
  )
  const run = await ended(c, runId)
  expect(run.status).toBe(RunStatus.SUCCEEDED)
  const attempt = (n: number) => `${runId}-ask-${n}`
  expect(server.heard.map(({ headers }) => headers['idempotency-key'])).toEqual([1, 1, 2, 2].map(attempt))
  expect(run.steps[0]?.attempts.map(({ reason }) => reason)).toEqual([expect.stringMatching(/status 500/), ''])
})

test('a request under way ends at once when the run is canceled, and at the step’s timeout', async () => {
  let closed = 0
  const server = await serve((_, response) => void response.on('close', () => closed++))
  const c = await open()
  const runId = await start(
    c,
    `  hangs: { uses: http_request, with: { url: "${server.url}" } }\n  short: { uses: http_request, timeout: 300ms, with: { url: "${server.url}" } }\n`,
  )
  await waitFor(() => server.heard.length === 2)
  await waitFor(async () => (await runOf(c, runId)).steps[1]?.reasonInfo?.code === 'timeout')
  await c.as(c.owner).client(RunService).cancelRun({ runId })
  const run = await ended(c, runId)
  expect(run.status).toBe(RunStatus.CANCELED)
  expect(run.steps[0]?.reasonInfo?.code).toBe('canceled')
  await waitFor(() => closed === 2)
  expect(server.heard).toHaveLength(2)
})

test('a controller that stops gives its work back, and the next does it under the same key', async () => {
  let hang = true
  const server = await serve((heard, response) => (hang ? undefined : json({})(heard, response)))
  const c = await open('127.0.0.1', true)
  const runId = await start(c, `  ask: { uses: http_request, with: { method: POST, url: "${server.url}" } }\n`)
  await waitFor(() => server.heard.length === 1)
  hang = false
  await c.restart()
  const run = await ended(c, runId)
  expect(run.status).toBe(RunStatus.SUCCEEDED)
  expect(run.steps[0]?.attempts).toHaveLength(1)
  expect(server.heard.map(({ headers }) => headers['idempotency-key'])).toEqual([1, 1].map((n) => `${runId}-ask-${n}`))
  expect(await logOf(c, runId, 'ask')).toMatch(/The controller stops.*\n.*POST/s)
})
