// A stream ends without an error only at its true end: a controller that stops and a deadline that passes are told as what they
// are, on both doors, by a real process that gets a real signal.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AgentLinkService } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { LogService } from '@ansflow/proto/gen/ansflow/v1/logs_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { RunService, WatchRunRequestSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { RetryInfoSchema } from '@ansflow/proto/gen/google/rpc/error_details_pb'
import { create, type DescService, toBinary } from '@bufbuild/protobuf'
import { type Client, Code, ConnectError, createClient } from '@connectrpc/connect'
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { grpcClient } from './grpc-client.ts'
import { waitFor } from './wait-for.ts'

const token = `af_${'t'.repeat(40)}`
let folder: string
let controller: ChildProcess
let url: string
let grpcAddress: string
let pipelineId: string
let runId: string

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ansflow-test-'))
  controller = spawn(process.execPath, [join(import.meta.dirname, '../src/main.ts')], {
    env: {
      PATH: process.env.PATH,
      ANSFLOW_DATA: folder,
      ANSFLOW_HTTP: '127.0.0.1:0',
      ANSFLOW_GRPC: '127.0.0.1:0',
      ANSFLOW_LOCAL_AGENT: 'off',
      ANSFLOW_ADMIN_EMAIL: 'a@example.org',
      ANSFLOW_ADMIN_PASSWORD: 'correct horse battery',
      ANSFLOW_ADMIN_TOKEN: token,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  controller.stdout?.on('data', (text) => {
    said += String(text)
  })
  const address = (name: string) => waitFor(() => new RegExp(`${name}\\s+(\\S+)`).exec(said)?.[1], 30_000)
  url = await address('console and API')
  grpcAddress = await address('agents and gRPC')
  const { project } = await http(ProjectService).createProject({ name: 'p' })
  const yaml = 'name: p\nsteps:\n  one: { run: "true" }\n'
  const applied = await http(PipelineService).applyPipeline({ projectId: project?.id ?? '', yaml, publish: true })
  pipelineId = applied.pipeline?.id ?? ''
  const { run } = await http(RunService).startRun({ pipelineId })
  runId = run?.id ?? ''
}, 40_000)

afterEach(async () => {
  if (controller.exitCode === null && controller.signalCode === null) {
    controller.kill('SIGKILL')
    await once(controller, 'exit')
  }
  rmSync(folder, { recursive: true, force: true })
})

const headers = { authorization: `Bearer ${token}` }

function http<S extends DescService>(service: S): Client<S> {
  return over(createConnectTransport({ baseUrl: `${url}/api`, httpVersion: '1.1' }), service)
}

/** A client of the gRPC door that is not the library behind it. */
function grpc<S extends DescService>(service: S): Client<S> {
  return over(createGrpcTransport({ baseUrl: `http://${grpcAddress}` }), service)
}

function over<S extends DescService>(transport: ReturnType<typeof createConnectTransport>, service: S): Client<S> {
  const signed: typeof transport = {
    unary: (method, signal, timeout, header, ...rest) =>
      transport.unary(method, signal, timeout, { ...header, ...headers }, ...rest),
    stream: (method, signal, timeout, header, ...rest) =>
      transport.stream(method, signal, timeout, { ...header, ...headers }, ...rest),
  }
  return createClient(service, signed)
}

const doors = [http, grpc]

/** How each stream ends, once it has begun; no agent takes the job, so none comes to its own end. */
function endings(options: { timeoutMs?: number } = {}): { ends: Promise<unknown>[]; begun: () => boolean } {
  let watching = 0
  const ends = doors.flatMap((door) => [
    endOf(door(RunService).watchRun({ runId }, options), () => watching++),
    endOf(door(LogService).followLog({ runId, stepId: 'one' }, options)),
  ])
  return { ends, begun: () => watching >= doors.length }
}

async function endOf(stream: AsyncIterable<unknown>, heard: () => void = () => undefined): Promise<unknown> {
  try {
    for await (const _ of stream) heard()
    return 'it ended'
  } catch (error) {
    if (error instanceof ConnectError && error.code === Code.Unavailable) {
      expect(error.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds).toBe(1n)
    }
    return Code[(error as { code: number }).code]
  }
}

test('when the controller stops: unavailable on both doors, and the code for a restart on sockets', async () => {
  const { ends, begun } = endings()
  const { token: registration } = await http(AgentService).createRegistrationToken({})
  const { agentSecret } = await http(AgentLinkService).register({ token: registration, slots: 1, version: '0.1.0' })
  const { client: link, close } = grpcClient(AgentLinkService, grpcAddress, agentSecret)
  const control = link.control()
  control.send({ kind: { case: 'hello', value: { slots: 1, version: '0.1.0' } } })
  const logs = link.logs()
  logs.send({ job: { jobId: runId, epoch: 1 } })
  const welcomed = control.messages[Symbol.asyncIterator]()
  await welcomed.next()
  const answered = logs.messages[Symbol.asyncIterator]()
  await answered.next()
  const agentEnds = [welcomed, answered].map((said) => endOf({ [Symbol.asyncIterator]: () => said }))
  const sockets = ['/live', `/collab/${pipelineId}`].map((path) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`, { headers })
    const closed = once(socket, 'close').then(([code]) => code as number)
    return { opened: once(socket, 'open'), closed }
  })
  await Promise.all(sockets.map(({ opened }) => opened))
  await waitFor(begun)

  controller.kill('SIGTERM')
  expect(await Promise.all(ends)).toEqual(Array(4).fill('Unavailable'))
  expect(await Promise.all(agentEnds)).toEqual(Array(2).fill('Unavailable'))
  expect(await Promise.all(sockets.map(({ closed }) => closed))).toEqual([1012, 1012])
  close()
  await waitFor(() => controller.exitCode === 0)
})

test('when a deadline passes, whoever keeps the time', async () => {
  expect(await Promise.all(endings({ timeoutMs: 300 }).ends)).toEqual(Array(4).fill('DeadlineExceeded'))
  expect(await (await watchOverHttp('300')).text()).toContain('"code":"deadline_exceeded"')
  expect(await statusOverGrpc('300m')).toBe('4')
  // One beyond what a timer counts to is a deadline far away, not one that has passed.
  const far = await watchOverHttp(String(2 ** 32))
  controller.kill('SIGTERM')
  expect(await far.text()).toContain('"code":"unavailable"')
})

/** The server alone keeps the time. Answers once the first event is here. */
function watchOverHttp(timeout: string): Promise<Response> {
  const message = Buffer.from(JSON.stringify({ runId }))
  return fetch(`${url}/api/ansflow.v1.RunService/WatchRun`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/connect+json', 'connect-timeout-ms': timeout },
    body: envelope(message),
  })
}

async function statusOverGrpc(timeout: string): Promise<unknown> {
  const session = connect(`http://${grpcAddress}`)
  const call = session.request({
    ':method': 'POST',
    ':path': '/ansflow.v1.RunService/WatchRun',
    'content-type': 'application/grpc',
    te: 'trailers',
    'grpc-timeout': timeout,
    ...headers,
  })
  call.end(envelope(toBinary(WatchRunRequestSchema, create(WatchRunRequestSchema, { runId }))))
  const ended = once(call, 'trailers')
  call.resume()
  const [trailers] = await ended
  session.close()
  return trailers['grpc-status']
}

function envelope(message: Uint8Array): Buffer<ArrayBuffer> {
  return Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message])
}

test('at the true end: without an error', async () => {
  const { ends, begun } = endings()
  await waitFor(begun)
  await http(RunService).cancelRun({ runId })
  expect([await ends[0], await ends[2]]).toEqual(['it ended', 'it ended'])
})
