// What both doors answer to requests made to hurt: one clear error each, never a failure of ours, never an answer without end.

import { connect as connectSocket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { AgentLinkService } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { AuditService } from '@ansflow/proto/gen/ansflow/v1/audit_pb'
import { AuthService } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { ListRunsRequestSchema, RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { create, type DescMethod, type JsonObject, toBinary } from '@bufbuild/protobuf'
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { callGrpc, callHttp, fromStatus } from './call-any.ts'
import { startController, type TestController } from './start-controller.ts'

let c: TestController
let projectId: string
let pipelineId: string
beforeAll(async () => {
  c = await startController()
  projectId = await c.addProject()
  const yaml = 'name: p\nsteps:\n  one: { run: "true" }\n'
  const { pipeline } = await c.as(c.owner).client(PipelineService).applyPipeline({ projectId, yaml, publish: true })
  pipelineId = pipeline?.id ?? ''
})
afterAll(() => c[Symbol.asyncDispose]())

const { createProject, getProject } = ProjectService.method
const { startRun, listRuns } = RunService.method
const doors = [callHttp, callGrpc]
const withReason = (reason: string) =>
  expect.arrayContaining([expect.objectContaining({ debug: expect.objectContaining({ reason }) })])

describe('bytes that are no message', () => {
  const broken: [string, Buffer][] = [
    ['cut off', Buffer.from([0x12, 9, 0x61])],
    ['not UTF-8', Buffer.from([0x12, 2, 0xff, 0xfe])],
    ['nested without end', nested(12_000)],
  ]
  test.each(broken)('%s', async (_name, bytes) => {
    const method = bytes.length > 1000 ? startRun : createProject
    expect(await rawGrpc(method, bytes)).toMatchObject({ code: 3, info: { reason: 'malformed' } })
    const response = await fetch(`${c.url}/api/${method.parent.typeName}/${method.name}`, {
      method: 'POST',
      body: new Uint8Array(bytes),
      headers: { 'content-type': 'application/proto', authorization: `Bearer ${c.owner.token}` },
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      code: 'invalid_argument',
      details: withReason('malformed'),
    })
  })
})

describe('an error stays small whatever the request holds, and arrives on both doors', () => {
  const inputs = Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`unknown_${n}`, 1]))
  const requests: [string, DescMethod, () => JsonObject, string][] = [
    ['a long id', getProject, () => ({ projectId: 'x'.repeat(60_000) }), 'not_found'],
    ['a long id in Chinese', getProject, () => ({ projectId: '项'.repeat(20_000) }), 'not_found'],
    ['thousands of unknown inputs', startRun, () => ({ pipelineId, inputs }), 'invalid_argument'],
    [
      'a long unknown input',
      startRun,
      () => ({ pipelineId, inputs: { ['i'.repeat(100_000)]: 1 } }),
      'invalid_argument',
    ],
    [
      'a long label',
      AgentLinkService.method.register,
      () => ({ token: 'x', labels: ['!'.repeat(9)].concat(Array(3000).fill('!')) }),
      'invalid_argument',
    ],
  ]
  test.each(requests)('%s', async (_name, method, request, code) => {
    for (const call of doors) {
      const ending = await call(c, method, request(), c.owner.token)
      expect(ending).toMatchObject({ code })
      expect(ending.message.length).toBeLessThan(2100)
    }
  })
})

test('an error that is compressed on the way is still an error', async () => {
  const response = await fetch(`${c.url}/api/ansflow.v1.ProjectService/CreateProject`, {
    method: 'POST',
    body: JSON.stringify({ name: 'x', [`unknown${'y'.repeat(5000)}`]: 1 }),
    headers: {
      'content-type': 'application/json',
      'accept-encoding': 'gzip',
      authorization: `Bearer ${c.owner.token}`,
    },
  })
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ details: withReason('malformed') })
})

test('a request that grows a thousandfold when unpacked is refused', async () => {
  const response = await fetch(`${c.url}/api/ansflow.v1.ProjectService/ListProjects`, {
    method: 'POST',
    body: new Uint8Array(gzipSync(Buffer.alloc(32 * 1024 * 1024))),
    headers: {
      'content-type': 'application/json',
      'content-encoding': 'gzip',
      authorization: `Bearer ${c.owner.token}`,
    },
  })
  expect(await response.json()).toMatchObject({ code: 'resource_exhausted' })
})

test('a NUL in a text is refused with the name of its field', async () => {
  const texts: [DescMethod, JsonObject, string][] = [
    [createProject, { name: 'a\0b' }, 'name'],
    [createProject, { name: 'a', organizationId: '\0' }, 'organization_id'],
    [startRun, { pipelineId, inputs: { deep: [{ text: '\0' }] } }, 'inputs.deep[0].text'],
    [startRun, { pipelineId, inputs: { 'a\0': 1 } }, 'inputs'],
    [AuthService.method.login, { email: 'a\0@b', password: 'x' }, 'email'],
  ]
  for (const [method, request, field] of texts) {
    for (const call of doors) {
      const ending = await call(c, method, request, c.owner.token)
      expect(ending).toMatchObject({ code: 'invalid_argument', reason: 'characters' })
      expect(ending.message).toContain(`${field}: `)
    }
  }
})

test('forged cursors, unknown statuses and times outside of the calendar are the caller’s mistake', async () => {
  const cursor = (key: unknown) => Buffer.from(JSON.stringify(key)).toString('base64url')
  const { listVersions } = PipelineService.method
  const wrong: [DescMethod, JsonObject][] = [
    ...['NaN', '1e999', '-1', '1.5', ''].map((n): [DescMethod, JsonObject] => [
      listVersions,
      { pipelineId, pageToken: cursor([n]) },
    ]),
    [listRuns, { pageToken: cursor([{ $ne: null }]) }],
    ...['a\0', '\ud800'].flatMap((text): [DescMethod, JsonObject][] => [
      [listRuns, { pageToken: cursor([text]) }],
      [AuditService.method.listAuditEvents, { pageToken: cursor([text]) }],
      [ProjectService.method.listProjects, { pageToken: cursor(['a', text]) }],
      [PipelineService.method.listPipelines, { projectId, pageToken: cursor([text, 'a']) }],
    ]),
    [listRuns, { statuses: Array.from({ length: 10_000 }, (_, n) => n + 100) }],
    [listRuns, { statuses: [99] }],
  ]
  for (const [method, request] of wrong) {
    for (const call of doors) {
      expect(await call(c, method, request, c.owner.token)).toMatchObject({ code: 'invalid_argument' })
    }
  }
  for (const seconds of [2n ** 62n, -(2n ** 62n), 253_402_300_800n]) {
    for (const field of ['since', 'until'] as const) {
      const bytes = toBinary(ListRunsRequestSchema, create(ListRunsRequestSchema, { [field]: { seconds } }))
      expect(await rawGrpc(listRuns, Buffer.from(bytes))).toMatchObject({ code: 3 })
    }
  }
  const repeated = { statuses: Array.from({ length: 3000 }, () => 'RUN_STATUS_FAILED') }
  expect(await callHttp(c, listRuns, repeated, c.owner.token)).toMatchObject({ code: 'ok' })
})

test('addresses that lead outside or nowhere are not found, with the same headers as all', async () => {
  const paths = ['/%2e%2e/%2e%2e/etc/passwd', '/assets/..%5c..%5cpackage.json', '/%E0%A4%A', '/api/%', '/download/x']
  for (const path of paths) {
    const answer = await rawHttp(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    expect(answer.split('\r\n')[0]).toMatch(/^HTTP\/1\.1 40[04] /)
    expect(answer).toContain('x-content-type-options: nosniff')
    expect(answer).toContain('"details":[{"type":"ansflow.v1.ErrorInfo"')
    expect(answer).not.toContain('root:')
  }
})

test('no answer of the API is kept by anybody on the way', async () => {
  for (const [rpc, body] of [
    ['AuthService/GetSetup', '{}'],
    ['AuthService/GetSetup', '{"unknown":1}'],
    ['AuthService/GetMe', '{}'],
    ['RunService/WatchRun', '{}'],
  ]) {
    const headers = { 'content-type': rpc?.endsWith('WatchRun') ? 'application/connect+json' : 'application/json' }
    const response = await fetch(`${c.url}/api/ansflow.v1.${rpc}`, { method: 'POST', body: body ?? '', headers })
    expect([rpc, response.headers.get('cache-control')]).toEqual([rpc, 'no-store'])
    expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    await response.body?.cancel()
  }
})

test('two lengths, a length with chunks and other ambiguous requests are refused', async () => {
  const head = 'POST /api/ansflow.v1.AuthService/GetSetup HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
  for (const rest of [
    'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n',
    'Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x',
    'Transfer-Encoding: chunked, identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
    'X: a\n\tb\r\nContent-Length: 2\r\n\r\n{}',
  ]) {
    const answer = await rawHttp(head + rest)
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 400'])
  }
})

test('a WebSocket is opened at its own addresses only', async () => {
  for (const path of ['/', '/api/ansflow.v1.AuthService/GetSetup', '/healthz', '/download/agent/ansflow-agent.mjs']) {
    const socket = new WebSocket(`${c.url.replace('http', 'ws')}${path}`)
    const refused = await new Promise<Error>((resolve) => {
      socket.on('error', resolve)
      socket.on('open', () => resolve(new Error('it is open')))
    })
    expect(refused.message).toBe('Unexpected server response: 404')
    socket.terminate()
  }
})

/** What a gRPC server answers to these very bytes. */
async function rawGrpc(method: DescMethod, bytes: Buffer) {
  const channel = new Client(c.grpcAddress, credentials.createInsecure())
  const metadata = new Metadata()
  metadata.set('authorization', `Bearer ${c.owner.token}`)
  const keep = (each: Buffer) => each
  const path = `/${method.parent.typeName}/${method.name}`
  const error = await new Promise<ServiceError | null>((resolve) => {
    channel.makeUnaryRequest(path, keep, keep, bytes, metadata, resolve)
  })
  channel.close()
  return { code: error?.code ?? 0, info: fromStatus(error?.metadata.get('grpc-status-details-bin')[0] as Buffer) }
}

function rawHttp(request: string): Promise<string> {
  const { hostname, port } = new URL(c.url)
  return new Promise((resolve, reject) => {
    const socket = connectSocket(Number(port), hostname, () => socket.write(request))
    let answer = ''
    socket.setTimeout(5000, () => socket.destroy(new Error(`no end after: ${answer}`)))
    socket.on('data', (bytes) => {
      answer += bytes.toString('latin1')
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
  })
}

/** A StartRun whose input "a" is lists inside of lists, as bytes. */
function nested(depth: number): Buffer {
  const parts: Buffer[] = []
  let length = 0
  const wrap = (tag: number) => {
    const part = Buffer.from([tag, ...varint(length)])
    parts.push(part)
    length += part.length
  }
  for (let level = 0; level < depth; level++) {
    wrap(0x0a)
    wrap(0x32)
  }
  wrap(0x12)
  parts.push(Buffer.from([0x0a, 1, 0x61]))
  length += 3
  wrap(0x0a)
  wrap(0x12)
  return Buffer.concat(parts.reverse())
}

function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128)
  return [...bytes, rest]
}
