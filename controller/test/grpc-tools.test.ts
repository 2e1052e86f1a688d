// What tools and load balancers ask of the gRPC door: a real reflection client finds everything, and health says how each
// service is, also while the controller cannot work and while it stops.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { access } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import { Health, HealthCheckResponse_ServingStatus as Serving } from '@ansflow/proto/gen/grpc/health/v1/health_pb'
import { ServerReflection } from '@ansflow/proto/gen/grpc/reflection/v1/reflection_pb'
import { createFileRegistry, fromBinary, getOption } from '@bufbuild/protobuf'
import { type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { Client, credentials, type ServiceError } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { everyService } from './every-service.ts'
import { startController, type TestController } from './start-controller.ts'
import { waitFor } from './wait-for.ts'

let c: TestController
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ansflow-test-'))
  c = await startController()
})
afterAll(async () => {
  await c[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

async function bufCurl(method: string, data: object, ...flags: string[]): Promise<unknown> {
  const buf = join(import.meta.dirname, '../../proto/node_modules/.bin/buf')
  const url = `http://${c.grpcAddress}/${method}`
  const options = ['curl', '--protocol', 'grpc', '--http2-prior-knowledge', '--data', JSON.stringify(data), ...flags]
  const { stdout } = await promisify(execFile)(buf, [...options, url], { env: { ...process.env, HOME: folder } })
  return JSON.parse(stdout)
}

describe('buf curl, which knows nothing but the address', () => {
  test.each(['grpc-v1', 'grpc-v1alpha'])('calls by reflection, %s', async (protocol) => {
    const by = ['--reflect-protocol', protocol]
    expect(await bufCurl('grpc.health.v1.Health/Check', {}, ...by)).toEqual({ status: 'SERVING' })
    const header = ['--header', `authorization: Bearer ${c.owner.token}`]
    expect(await bufCurl('ansflow.v1.AuthService/GetMe', {}, ...by, ...header)).toMatchObject({
      user: { id: c.owner.userId },
    })
  })

  test('reads the details of an error', async () => {
    const failed = bufCurl('ansflow.v1.AuthService/Login', { email: 'nobody@example.org', password: 'x' })
    await expect(failed).rejects.toMatchObject({ stderr: expect.stringContaining('"code": "unauthenticated"') })
    await expect(failed).rejects.toMatchObject({ stderr: expect.stringContaining('google.rpc.ErrorInfo') })
  })
})

describe('reflection', () => {
  type Question = NonNullable<Parameters<ReturnType<typeof open>['send']>[0]['messageRequest']>
  const open = () => c.grpcClient(ServerReflection).serverReflectionInfo()

  async function ask(question: Question) {
    const call = open()
    call.send({ messageRequest: question })
    call.end()
    for await (const { messageResponse } of call.messages) return messageResponse
    return expect.fail('no answer')
  }

  /** The files of an answer, by name; they have to stand for themselves. */
  async function filesOf(question: Question): Promise<Map<string, FileDescriptorProto>> {
    const answer = await ask(question)
    if (answer.case !== 'fileDescriptorResponse') return expect.fail(JSON.stringify(answer))
    const files = answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes))
    const known = new Map(files.map((file) => [file.name, file]))
    for (const { dependency } of files) for (const name of dependency) expect([...known.keys()]).toContain(name)
    return known
  }

  test('names every service', async () => {
    const answer = await ask({ case: 'listServices', value: '*' })
    const names = answer.case === 'listServicesResponse' ? answer.value.service.map(({ name }) => name) : []
    const own = (await everyService()).map(({ typeName }) => typeName)
    expect(names.sort()).toEqual([...own, Health.typeName, ServerReflection.typeName].sort())
  })

  test.each([
    'ansflow.v1.ErrorInfo',
    'ansflow.v1.access',
    'ansflow.v1.AuthService.GetMe',
    'ansflow.v1.RunStatus',
    'ansflow.v1.RUN_STATUS_FAILED',
    'ansflow.v1.Run.number',
    'google.rpc.BadRequest.FieldViolation',
    'google.rpc.Status',
    'grpc.health.v1.HealthCheckResponse.SERVING',
    'google.protobuf.Timestamp',
  ])('finds %s, with all that its file imports', async (symbol) => {
    expect((await filesOf({ case: 'fileContainingSymbol', value: symbol })).size).toBeGreaterThan(0)
  })

  test('finds the access option by its number, and what each rpc says in it', async () => {
    const containingType = 'google.protobuf.MethodOptions'
    const numbers = await ask({ case: 'allExtensionNumbersOfType', value: containingType })
    expect(numbers).toMatchObject({ value: { extensionNumber: [access.number] } })
    const value = { containingType, extensionNumber: access.number }
    expect([...(await filesOf({ case: 'fileContainingExtension', value })).keys()][0]).toBe('ansflow/v1/access.proto')
    const files = await filesOf({ case: 'fileByFilename', value: 'ansflow/v1/auth.proto' })
    const [auth] = files.values()
    const registry = createFileRegistry(auth as FileDescriptorProto, (name) => files.get(name))
    const login = registry.getService('ansflow.v1.AuthService')?.method.login
    expect(login && getOption(login, access).permission).toBe('public')
  })

  test('says what it does not know, and goes on', async () => {
    const call = open()
    const said = call.messages[Symbol.asyncIterator]()
    const extension = { containingType: 'google.protobuf.MethodOptions', extensionNumber: 1 }
    const unknown: Question[] = [
      { case: 'fileContainingSymbol', value: 'no.such.Thing' },
      { case: 'fileByFilename', value: 'no.proto' },
      { case: 'fileContainingExtension', value: extension },
      { case: 'allExtensionNumbersOfType', value: 'no.such.Thing' },
    ]
    for (const messageRequest of unknown) {
      call.send({ messageRequest })
      expect((await said.next()).value?.messageResponse).toMatchObject({
        case: 'errorResponse',
        value: { errorCode: 5 },
      })
    }
    call.end()
    expect((await said.next()).done).toBe(true)
  })
})

describe('health', () => {
  test('is told of every service, however often it is asked', async () => {
    const health = c.grpcClient(Health)
    for (const service of ['', Health.typeName, ...(await everyService()).map(({ typeName }) => typeName)]) {
      expect((await health.check({ service })).status).toBe(Serving.SERVING)
    }
    await Promise.all(Array.from({ length: 50 }, () => health.check({})))
    await expect(health.check({ service: 'no.such.Service' })).rejects.toMatchObject({ code: 5 })
  })

  test('changes with the database and with the end of the controller', async () => {
    await using own = await startController({ file: true })
    const told: Serving[] = []
    const watching = own.grpcClient(Health).watch({ service: 'ansflow.v1.RunService' })
    const ended = (async () => {
      for await (const { status } of watching) told.push(status)
    })().catch((error: ServiceError) => error.code)
    await waitFor(() => told.length === 1)
    const unknown = own.grpcClient(Health).watch({ service: 'no.such.Service' })
    for await (const { status } of unknown) {
      expect(status).toBe(Serving.SERVICE_UNKNOWN)
      break
    }
    await own.controller.stop()
    expect(await ended).toBe(14)
    expect(told).toEqual([Serving.SERVING, Serving.NOT_SERVING])
  })
})

test('bytes that are no question are answered as such', async () => {
  const channel = new Client(c.grpcAddress, credentials.createInsecure())
  const error = await new Promise<ServiceError | null>((resolve) => {
    const same = (bytes: Buffer) => bytes
    channel.makeUnaryRequest('/grpc.health.v1.Health/Check', same, same, Buffer.from([10, 9, 97]), resolve)
  })
  channel.close()
  expect(error).toMatchObject({ code: 3 })
})
