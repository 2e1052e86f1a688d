// Plain routes that take a body: who may send one, and how much, is known before the feature sees a byte of it.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { request } from 'node:http'
import { Role } from '@ansflow/proto/access'
import { unauthenticated } from '@ansflow/proto/errors'
import { Resource } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { feature } from '../src/feature.ts'
import type { PostRequest, PostRoute } from '../src/transport/routes.ts'
import { startController, type TestController } from './start-controller.ts'

const key = 'shared with the sender'
const admin = { email: 'root@example.org', password: 'correct horse battery', token: `af_${'x'.repeat(40)}` }
const sign = (body: string) => createHmac('sha256', key).update(body).digest('hex')

let c: TestController
let taken: string[]

beforeEach(async () => {
  taken = []
  const handle = async ({ body }: PostRequest) => {
    taken.push(body.toString())
    return { contentType: 'text/plain', status: 202, body: 'taken' }
  }
  const hook: PostRoute = {
    method: 'POST',
    path: '/hooks/:name',
    bodyLimit: 100,
    access: {
      async signed({ body, headers }) {
        const given = Buffer.from(String(headers['x-signature'] ?? ''), 'hex')
        const right = createHmac('sha256', key).update(body).digest()
        if (given.length !== right.length || !timingSafeEqual(given, right)) throw unauthenticated()
      },
    },
    handle,
  }
  const upload: PostRoute = {
    method: 'POST',
    path: '/upload/:projectId',
    bodyLimit: 100,
    access: { permission: 'pipeline.edit', resource: Resource.PROJECT, param: 'projectId' },
    handle,
  }
  const routes = feature({ name: 'hooks', entities: [], open: () => ({ routes: [hook, upload] }) })
  c = await startController({ config: { admin }, overrides: { features: [routes] } })
})
afterEach(() => c[Symbol.asyncDispose]())

async function post(path: string, body: string, headers: Record<string, string> = {}): Promise<number> {
  return (await fetch(c.url + path, { method: 'POST', body, headers })).status
}

test('what the sender signed is taken as it came, whatever it is called; anything else is not', async () => {
  const body = '{ "odd" :  1 }\n'
  for (const type of ['application/json', 'application/x-www-form-urlencoded', 'text/plain', 'a/b']) {
    expect(await post('/hooks/x', body, { 'content-type': type, 'x-signature': sign(body) })).toBe(202)
  }
  expect(taken).toEqual([body, body, body, body])
  expect(await post('/hooks/x', `${body} `, { 'x-signature': sign(body) })).toBe(401)
  // A token, or a page with a cookie, is not a signature.
  expect(await post('/hooks/x', body, { authorization: `Bearer ${c.owner.token}` })).toBe(401)
  expect(await post('/hooks/x', body, { cookie: await signIn() })).toBe(401)
  expect(taken.length).toBe(4)
})

test("an address that holds what no database can look for is nobody's", async () => {
  const body = '{}'
  const headers = { 'x-signature': sign(body), authorization: `Bearer ${c.owner.token}` }
  for (const name of ['%00', 'a%00b', '%00a']) {
    expect(await post(`/hooks/${name}`, body, headers)).toBe(404)
    expect(await post(`/upload/${name}`, body, headers)).toBe(404)
  }
  expect(taken).toEqual([])
})

test('a body over the limit is refused, also one that does not say its length', async () => {
  const large = 'x'.repeat(101)
  expect(await post('/hooks/x', large, { 'x-signature': sign(large) })).toBe(413)
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const headers = { 'x-signature': sign(large), 'content-type': 'text/plain' }
    const sending = request(`${c.url}/hooks/x`, { method: 'POST', headers }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    })
    sending.on('error', reject)
    for (let sent = 0; sent < large.length; sent += 10) sending.write(large.slice(sent, sent + 10))
    sending.end()
  })
  expect(status).toBe(413)
  expect(taken).toEqual([])
})

test('who signed in may send by their rights, from our own pages or with a token', async () => {
  const projectId = await c.addProject()
  const path = `/upload/${projectId}`
  const bearer = async (role: Role, organizationId?: string) => {
    const { token } = await c.addUser({ role, ...(organizationId && { organizationId }) })
    return { authorization: `Bearer ${token}` }
  }
  expect(await post(path, 'a', await bearer(Role.DEVELOPER))).toBe(202)
  expect(await post(path, 'b', await bearer(Role.VIEWER))).toBe(403)
  expect(await post(path, 'c', await bearer(Role.OWNER, await c.addOrganization()))).toBe(404)
  expect(await post(path, 'd')).toBe(401)
  // Too large, of nobody: asked who they are before the body counts.
  expect(await post(path, 'x'.repeat(200))).toBe(401)
  expect(taken).toEqual(['a'])
})

test('a cookie counts from our own pages alone', async () => {
  const organizations = await c.db.em().execute<{ id: string }[]>('select id from organization order by created_at, id')
  const projectId = await c.addProject('Theirs', organizations[0]?.id ?? '')
  const path = `/upload/${projectId}`
  const cookie = await signIn()
  expect(await post(path, 'ours', { cookie, 'sec-fetch-site': 'same-origin' })).toBe(202)
  expect(await post(path, 'ours too', { cookie, origin: c.url })).toBe(202)
  expect(await post(path, 'no origin', { cookie })).toBe(403)
  expect(await post(path, 'cross', { cookie, 'sec-fetch-site': 'cross-site' })).toBe(403)
  expect(await post(path, 'other', { cookie, origin: 'https://evil.example' })).toBe(403)
  expect(taken).toEqual(['ours', 'ours too'])
})

async function signIn(): Promise<string> {
  const response = await fetch(`${c.url}/api/ansflow.v1.AuthService/Login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: admin.email, password: admin.password }),
  })
  return response.headers.get('set-cookie')?.split(';')[0] ?? ''
}
