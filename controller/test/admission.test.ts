// Who may come in before a body is read, and how much of one caller is under way: on both doors, never at others' cost.
import { once } from 'node:events'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { AgentLinkService } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { AuthService } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { requestBytes } from '@ansflow/proto/limits'
import type { DescMethod, JsonObject } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAdmission, requestLimit } from '../src/transport/admission.ts'
import { accessOf, type Caller } from '../src/transport/call.ts'
import { callGrpc, callHttp } from './call-any.ts'
import { everyService } from './every-service.ts'
import { startController, type TestController } from './start-controller.ts'

let c: TestController
beforeAll(async () => {
  c = await startController()
})
afterAll(() => c[Symbol.asyncDispose]())

const doors = [callHttp, callGrpc]
const { getMe, login } = AuthService.method
const { createProject } = ProjectService.method
const { register } = AgentLinkService.method

test('without credentials a body is not waited for', async () => {
  const socket = connect(Number(new URL(c.url).port), '127.0.0.1')
  socket.write(
    'POST /api/ansflow.v1.AuthService/GetMe HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n',
  )
  const [answer] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 401 /)
})

test('a request is as large as its method needs, packed or not', async () => {
  const tooLarge: [DescMethod, JsonObject, string | undefined][] = [
    [login, { email: 'x'.repeat(requestBytes.ofStrangers), password: 'x' }, undefined],
    [register, { token: 'x'.repeat(requestBytes.ofStrangers) }, undefined],
    [createProject, { name: 'x'.repeat(requestBytes.usual) }, c.owner.token],
  ]
  for (const [method, request, token] of tooLarge) {
    for (const call of doors) {
      expect(await call(c, method, request, token)).toMatchObject({ code: 'resource_exhausted', reason: 'too_large' })
    }
  }
  const packed = await fetch(`${c.url}/api/ansflow.v1.AuthService/Login`, {
    method: 'POST',
    body: new Uint8Array(gzipSync(JSON.stringify({ email: 'x'.repeat(requestBytes.ofStrangers) }))),
    headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
  })
  expect(packed.status).toBe(429)
})

test('what anyone may call is small', async () => {
  const methods = (await everyService()).flatMap((service) => service.methods)
  const open = methods.filter((method) => accessOf(method).permission === 'public')
  expect(open.length).toBeGreaterThan(4)
  for (const method of open) expect(requestLimit(method, accessOf(method))).toBe(requestBytes.ofStrangers)
  for (const path of Object.keys(requestBytes.of)) {
    expect(methods.map((method) => `${method.parent.typeName}/${method.name}`)).toContain(path)
  }
})

const stranger: Caller = { kind: 'anonymous' }
const person = (userId: string): Caller => ({ kind: 'user', userId, name: '', email: '', grants: [], scopes: ['*'] })
const { signal } = new AbortController()

test('one caller’s calls wait for each other, not for those of others', async () => {
  const admission = createAdmission()
  const enter = (caller: Caller, address: string) => admission.call(login, accessOf(login), { caller, address }, signal)
  const under = await Promise.all(Array.from({ length: 8 }, () => enter(stranger, '192.0.2.1')))
  let waited = true
  const ninth = enter(stranger, '192.0.2.1').then(() => {
    waited = false
  })
  await enter(stranger, '192.0.2.2')
  await enter(person('a'), '192.0.2.1')
  expect(waited).toBe(true)
  under[0]?.leave()
  await ninth
})

test('a caller who goes away while waiting takes no place', async () => {
  const admission = createAdmission()
  const enter = (from: AbortSignal) =>
    admission.call(login, accessOf(login), { caller: stranger, address: '192.0.2.1' }, from)
  const under = await Promise.all(Array.from({ length: 8 }, () => enter(signal)))
  const gone = new AbortController()
  const waiting = enter(gone.signal)
  gone.abort()
  await expect(waiting).rejects.toMatchObject({ code: 'canceled' })
  under[0]?.leave()
  await enter(signal)
})

test('who comes too fast, sends too much or has too many sockets is told when to come again', async () => {
  const refusal = { code: 'resource_exhausted', params: { retry_after: expect.stringMatching(/^[1-9]\d*$/) } }
  // Time stands still, so that nothing is allowed anew meanwhile.
  const admission = createAdmission(() => 0)
  const visitor = { caller: stranger, address: '2001:db8::1' }
  const hasty = async () => {
    for (let n = 0; n < 300; n += 1) (await admission.call(login, accessOf(login), visitor, signal)).leave()
  }
  await expect(hasty()).rejects.toMatchObject(refusal)
  // Of the same host, then of another one.
  const near = { ...visitor, address: '2001:db8::2' }
  await expect(admission.call(login, accessOf(login), near, signal)).rejects.toMatchObject(refusal)
  await admission.call(login, accessOf(login), { ...visitor, address: '2001:db8:1::1' }, signal)

  const large = await admission.call(getMe, accessOf(getMe), { caller: person('a'), address: '' }, signal)
  large.spent(64 * 1024 * 1024)
  large.leave()
  const again = admission.call(getMe, accessOf(getMe), { caller: person('a'), address: '' }, signal)
  await expect(again).rejects.toMatchObject(refusal)

  const open = () => admission.socket({ caller: person('b'), address: '' })
  const sockets = Array.from({ length: 200 }, open)
  expect(open).toThrow('200')
  sockets[0]?.leave()
  open()
})

test('tokens that nobody has are looked for a few times a second; who was here before is let in', async () => {
  expect(await callHttp(c, getMe, {}, c.owner.token)).toMatchObject({ code: 'ok' })
  const guesses = await Promise.all(Array.from({ length: 300 }, (_, n) => callHttp(c, getMe, {}, `af_nobody${n}`)))
  expect(new Set(guesses.map(({ code }) => code))).toEqual(new Set(['unauthenticated', 'resource_exhausted']))
  expect(await callHttp(c, getMe, {}, c.owner.token)).toMatchObject({ code: 'ok' })
})
