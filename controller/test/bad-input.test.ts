// What each door answers to calls that never reach a handler.

import { once } from 'node:events'
import { AuthService, file_ansflow_v1_auth } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { clone, create, createFileRegistry, type DescFile, type DescService } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import { Client, credentials, Metadata } from '@grpc/grpc-js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkTables } from '../src/transport/call.ts'
import { callGrpc, callHttp } from './call-any.ts'
import { startController, type TestController } from './start-controller.ts'

let c: TestController
beforeAll(async () => {
  c = await startController()
})
afterAll(() => c[Symbol.asyncDispose]())

const { createProject } = ProjectService.method

test('an unknown field is refused by name', async () => {
  const ending = await callHttp(c, createProject, { name: 'x', role: 'ROLE_OWNER' }, c.owner.token)
  expect(ending).toMatchObject({ code: 'invalid_argument', reason: 'malformed' })
  expect(ending.message).toContain('"role" is unknown')
})

test('a value of the wrong type is refused', async () => {
  for (const name of [{ $ne: null }, ['x'], 7]) {
    expect(await callHttp(c, createProject, { name }, c.owner.token)).toMatchObject({ code: 'invalid_argument' })
  }
  expect(Object.keys(Object.prototype)).toEqual([])
})

test('a message over the limit is refused on both doors', async () => {
  const description = 'x'.repeat(5_000_000)
  expect(await callHttp(c, createProject, { name: 'x', description }, c.owner.token)).toMatchObject({
    code: 'resource_exhausted',
  })
  expect(await callGrpc(c, createProject, { name: 'x', description }, c.owner.token)).toMatchObject({
    code: 'resource_exhausted',
  })
})

test('without or with wrong credentials the answer is the same', async () => {
  for (const token of [undefined, 'nonsense', 'af_nonsense', 'afa_nonsense', 'eyJhbGciOiJub25lIn0.e30.']) {
    for (const call of [callHttp, callGrpc]) {
      expect(await call(c, createProject, { name: 'x' }, token)).toMatchObject({ code: 'unauthenticated', reason: '' })
    }
  }
  const inQuery = await fetch(`${c.url}/api/ansflow.v1.AuthService/GetMe?token=${c.owner.token}`, {
    method: 'POST',
    body: '{}',
    headers: { 'content-type': 'application/json' },
  })
  expect(inQuery.status).toBe(401)
})

test('other content types, methods and addresses are refused', async () => {
  const url = `${c.url}/api/ansflow.v1.AuthService/GetSetup`
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
    expect((await fetch(url, { method: 'POST', body: '{}', headers: { 'content-type': type } })).status).toBe(415)
  }
  expect((await fetch(url)).status).toBe(405)
  const unknown = await fetch(`${c.url}/api/ansflow.v1.AuthService/Nothing`, { method: 'POST', body: '{}' })
  expect(unknown.status).toBe(404)
  expect(await unknown.json()).toMatchObject({ code: 'unimplemented' })
})

test('deep and broken JSON is refused quickly', async () => {
  const deep = '['.repeat(60_000)
  for (const body of [deep, '{"name":', '{"name":"\\ud800"}', '{"pageSize":1e400}']) {
    const response = await fetch(`${c.url}/api/ansflow.v1.ProjectService/ListProjects`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${c.owner.token}` },
    })
    expect(response.status).toBe(400)
  }
})

test('an rpc without an access option cannot be served', () => {
  const broken = withoutOption(file_ansflow_v1_auth, 'Login')
  const handlers = Object.fromEntries(broken.methods.map((method) => [method.localName, async () => ({})]))
  expect(() => checkTables([{ service: broken, handlers }])).toThrow(/Login has no \(ansflow.v1.access\) option/)
  expect(() => checkTables([{ service: AuthService, handlers: {} }])).toThrow(/has no handler/)
})

test('gRPC tells its services by reflection and its health', async () => {
  const channel = new Client(c.grpcAddress, credentials.createInsecure())
  // ServerReflectionRequest with list_services = "" (field 7), then the names in the answer as they are.
  const reflection = channel.makeBidiStreamRequest(
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    (bytes: Buffer) => bytes,
    (bytes: Buffer) => bytes.toString('latin1'),
    new Metadata(),
  )
  reflection.write(Buffer.from([0x3a, 0x00]))
  const [listed] = (await once(reflection, 'data')) as [string]
  for (const { service } of c.controller.services) expect(listed).toContain(service.typeName)
  reflection.end()
  const health = await new Promise<Buffer>((resolve, reject) => {
    const keep = (bytes: Buffer) => bytes
    channel.makeUnaryRequest('/grpc.health.v1.Health/Check', keep, keep, Buffer.alloc(0), (error, reply) =>
      error ? reject(error) : resolve(reply ?? Buffer.alloc(0)),
    )
  })
  // HealthCheckResponse.status = SERVING
  expect(health).toEqual(Buffer.from([0x08, 0x01]))
  channel.close()
})

function withoutOption(file: DescFile, name: string): DescService {
  const files: DescFile[] = []
  const add = (each: DescFile) => {
    for (const dependency of each.dependencies) add(dependency)
    if (!files.includes(each)) files.push(each)
  }
  add(file)
  const set = create(FileDescriptorSetSchema, {
    file: files.map((each) => {
      const proto = clone(FileDescriptorProtoSchema, each.proto)
      const method = proto.service.flatMap((service) => service.method).find((candidate) => candidate.name === name)
      if (method) delete method.options
      return proto
    }),
  })
  const service = createFileRegistry(set).getService('ansflow.v1.AuthService')
  if (!service) throw new Error('AuthService is gone.')
  return service
}
