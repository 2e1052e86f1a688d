// An error is read by any client: Google's details beside ours on every protocol, a body wherever something is refused, and when
// to try again in whatever place the client looks for it.
import { AuthService } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { ErrorInfoSchema } from '@ansflow/proto/gen/ansflow/v1/errors_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import {
  BadRequestSchema,
  ErrorInfoSchema as GoogleInfo,
  RetryInfoSchema,
} from '@ansflow/proto/gen/google/rpc/error_details_pb'
import { StatusSchema } from '@ansflow/proto/gen/google/rpc/status_pb'
import { createRegistry, fromBinary, type Registry, toJson } from '@bufbuild/protobuf'
import { type ConnectError, createClient } from '@connectrpc/connect'
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startController, type TestController } from './start-controller.ts'

let c: TestController
beforeEach(async () => {
  c = await startController()
})
afterEach(() => c[Symbol.asyncDispose]())

const protocols = {
  connect: (url: string) => createConnectTransport({ baseUrl: `${url}/api`, httpVersion: '1.1' }),
  'connect, binary': (url: string) =>
    createConnectTransport({ baseUrl: `${url}/api`, httpVersion: '1.1', useBinaryFormat: true }),
  'gRPC-Web': (url: string) => createGrpcWebTransport({ baseUrl: `${url}/api`, httpVersion: '1.1' }),
  gRPC: (_url: string, grpc: string) => createGrpcTransport({ baseUrl: `http://${grpc}` }),
}

describe.each(Object.entries(protocols))('over %s', (_name, transport) => {
  const headers = () => ({ headers: { authorization: `Bearer ${c.owner.token}` } })
  const client = <S extends typeof AuthService | typeof ProjectService | typeof RunService>(service: S) =>
    createClient(service, transport(c.url, c.grpcAddress))

  async function errorOf(call: Promise<unknown>): Promise<ConnectError> {
    return call.then(
      () => expect.fail('it did not fail'),
      (error: ConnectError) => error,
    )
  }

  test('a wrong field stands in BadRequest', async () => {
    const error = await errorOf(client(ProjectService).createProject({ name: '' }, headers()))
    expect(error.findDetails(BadRequestSchema)[0]?.fieldViolations).toMatchObject([
      { field: 'name', description: expect.stringContaining('1 to') },
    ])
    expect(error.findDetails(GoogleInfo)).toMatchObject([
      { reason: expect.stringMatching(/^[A-Z][A-Z_]+$/), domain: 'ansflow' },
    ])
    expect(error.findDetails(ErrorInfoSchema)).toMatchObject([{ code: 'invalid_argument' }])
    expect(error.findDetails(RetryInfoSchema)).toEqual([])
  })

  test('a stream’s too', async () => {
    const watch = async () => {
      for await (const _ of client(RunService).watchRun({ runId: 'unknown' }, headers())) break
    }
    const error = await errorOf(watch())
    expect(error.findDetails(GoogleInfo)).toMatchObject([{ reason: 'RUN_NOT_FOUND', metadata: { id: 'unknown' } }])
  })

  test('what is over after a while says when', async () => {
    await tryOften()
    const error = await errorOf(client(AuthService).login({ email: c.owner.email, password: 'wrong' }))
    expect(error.findDetails(RetryInfoSchema)).toMatchObject([{ retryDelay: { seconds: expect.toSatisfy(isSome) } }])
  })

  test('only who may call may call', async () => {
    expect(await errorOf(client(AuthService).getMe({}))).toMatchObject({ code: 16 })
    expect((await client(AuthService).getMe({}, headers())).user?.id).toBe(c.owner.userId)
  })
})

test('when to try again stands in the header that HTTP has for it, and in the one of gRPC', async () => {
  const login = { email: c.owner.email, password: 'wrong' }
  await tryOften()
  const response = await post('AuthService/Login', JSON.stringify(login), 'application/json')
  expect([response.status, Number(response.headers.get('retry-after')) > 0]).toEqual([429, true])
  const failed = c.grpcClient(AuthService).login(login)
  const error = await failed.catch((thrown: { metadata: { get(name: string): unknown[] } }) => thrown)
  expect('metadata' in error && Number(error.metadata.get('grpc-retry-pushback-ms')[0])).toBeGreaterThan(0)
})

const isSome = (seconds: bigint) => seconds > 0n

/** Until no more tries are taken. */
async function tryOften(): Promise<void> {
  const login = JSON.stringify({ email: c.owner.email, password: 'wrong' })
  for (;;) if ((await post('AuthService/Login', login, 'application/json')).status === 429) return
}

test.skipIf(process.env.ANSFLOW_TEST_DATABASE_URL)(
  'a store that takes no changes is unavailable on both doors',
  async () => {
    await c.db.em().execute('pragma query_only = on')
    const response = await post('ProjectService/CreateProject', '{"name":"x"}', 'application/json')
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
    expect(await response.json()).toMatchObject({
      code: 'unavailable',
      details: expect.arrayContaining([ours({ retryDelay: '5s' })]),
    })
    const byGrpc = createClient(ProjectService, protocols.gRPC('', c.grpcAddress))
    const failed = byGrpc.createProject({ name: 'x' }, { headers: { authorization: `Bearer ${c.owner.token}` } })
    const error = await failed.catch((thrown: ConnectError) => thrown)
    expect(error).toMatchObject({ code: 14 })
    expect('findDetails' in error && error.findDetails(RetryInfoSchema)).toMatchObject([
      { retryDelay: { seconds: 5n } },
    ])
  },
)

test('pages of other sites get nothing over gRPC-Web either', async () => {
  const origin = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
  const response = await post('AuthService/GetMe', envelope(''), 'application/grpc-web+proto', origin)
  expect(await response.text()).toContain('grpc-status: 7')
})

describe('what the protocol refuses has a body that says what is right', () => {
  const wrong: [string, string, string | Uint8Array<ArrayBuffer>, string, number][] = [
    ['a stream with plain JSON', 'RunService/WatchRun', '{}', 'application/json', 415],
    ['a call in the envelope of streams', 'AuthService/GetMe', envelope('{}'), 'application/connect+json', 415],
    ['a form', 'AuthService/GetMe', 'a=b', 'application/x-www-form-urlencoded', 415],
    ['text', 'AuthService/GetMe', '{}', 'text/plain', 415],
    ['no type', 'AuthService/GetMe', new Uint8Array([123, 125]), '', 415],
    ['gRPC-Web as text', 'AuthService/GetMe', 'AAAAAAA=', 'application/grpc-web-text', 415],
  ]
  test.each(wrong)('%s', async (_name, rpc, body, type, status) => {
    const response = await post(rpc, body, type)
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    const { message, details } = (await response.json()) as { message: string; details: { debug: object }[] }
    expect(message).toContain(rpc.includes('Watch') ? 'application/connect+json' : 'application/json')
    expect(details[0]?.debug).toMatchObject({ reason: 'unsupported_media_type' })
  })

  test.each(['GET', 'PUT', 'DELETE', 'OPTIONS'])('%s', async (method) => {
    for (const rpc of ['AuthService/GetMe', 'RunService/WatchRun']) {
      const response = await fetch(`${c.url}/api/ansflow.v1.${rpc}`, { method })
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
      expect(await response.json()).toMatchObject({ code: 'unimplemented', message: expect.stringContaining('POST') })
    }
  })

  const broken = envelope('{"no": 1}')
  test('a stream that gets no message of its kind', async () => {
    const json = await (await post('RunService/WatchRun', broken, 'application/connect+json')).text()
    expect(JSON.parse(json.slice(5))).toMatchObject({
      error: { code: 'invalid_argument', details: expect.arrayContaining([ours({ reason: 'malformed' })]) },
    })
    const web = await (await post('RunService/WatchRun', broken, 'application/grpc-web+json')).text()
    expect(web).toContain('grpc-status: 3\r\n')
    const packed = /grpc-status-details-bin: (\S+)/.exec(web)?.[1] ?? ''
    const status = fromBinary(StatusSchema, Buffer.from(packed, 'base64'))
    expect(toJson(StatusSchema, status, { registry })).toMatchObject({
      details: expect.arrayContaining([expect.objectContaining({ code: 'invalid_argument', reason: 'malformed' })]),
    })
  })
})

const registry: Registry = createRegistry(ErrorInfoSchema, GoogleInfo, BadRequestSchema, RetryInfoSchema)
const ours = (debug: object) => expect.objectContaining({ debug: expect.objectContaining(debug) })

function post(
  rpc: string,
  body: string | Uint8Array<ArrayBuffer>,
  type: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${c.url}/api/ansflow.v1.${rpc}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${c.owner.token}`, ...(type && { 'content-type': type }), ...headers },
    body,
  })
}

function envelope(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array([0, 0, 0, 0, text.length, ...Buffer.from(text)])
}
