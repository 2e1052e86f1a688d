// A WebSocket that is open closes with the session or token it was opened with; ids of others are as if they were not there.

import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { Role } from '@ansflow/proto/access'
import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { AuthService } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { MemberService } from '@ansflow/proto/gen/ansflow/v1/members_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { SecretService } from '@ansflow/proto/gen/ansflow/v1/secrets_pb'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { Code } from '@connectrpc/connect'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { type Session, SessionEntity } from '../src/features/auth/session.entity.ts'
import { type ManualClock, manualClock } from '../src/platform/clock.ts'
import { startController, type TestController } from './start-controller.ts'

const admin = { email: 'a@example.org', password: 'correct horse battery', token: `af_${'x'.repeat(40)}` }

describe('sockets on /live and /collab close', () => {
  let c: TestController
  let clock: ManualClock
  let paths: string[]
  beforeEach(async () => {
    clock = manualClock()
    c = await startController({ empty: true, config: { admin }, overrides: { clock } })
    const owner = c.as(admin.token)
    const { project } = await owner.client(ProjectService).createProject({ name: 'p' })
    const { pipeline } = await owner.client(PipelineService).createPipeline({ projectId: project?.id ?? '', name: 'p' })
    paths = ['/live', `/collab/${pipeline?.id}`]
  })
  afterEach(() => c[Symbol.asyncDispose]())

  /** Opens both; the answer resolves with their close codes. */
  async function open(headers: Record<string, string>): Promise<Promise<number>[]> {
    return Promise.all(
      paths.map(async (path) => {
        const socket = new WebSocket(`${c.url.replace('http', 'ws')}${path}`, { headers })
        const closed = new Promise<number>((resolve) => socket.on('close', resolve))
        const heard = new Promise((resolve, reject) => {
          socket.on('message', resolve)
          socket.on('error', reject)
        })
        await new Promise((resolve) => socket.on('open', resolve))
        // The document greets by itself; /live answers.
        if (path === '/live') socket.send('{"ping":{}}')
        await heard
        return { closed }
      }),
    ).then((sockets) => sockets.map(({ closed }) => closed))
  }

  async function signIn(): Promise<Record<string, string>> {
    const login = await post('Login', admin)
    return { cookie: login.headers.get('set-cookie')?.split(';')[0] ?? '', origin: c.url }
  }

  function post(rpc: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
    const { token: _, ...request } = body as typeof admin
    return fetch(`${c.url}/api/ansflow.v1.AuthService/${rpc}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(request),
    })
  }

  test('when their person signs out', async () => {
    const session = await signIn()
    const sockets = await open(session)
    expect((await post('Logout', {}, session)).status).toBe(200)
    expect(await Promise.all(sockets)).toEqual([4401, 4401])
  })

  test('when the password changes elsewhere', async () => {
    const sockets = await open(await signIn())
    const change = { currentPassword: admin.password, newPassword: `${admin.password}!` }
    expect((await post('ChangePassword', change, await signIn())).status).toBe(200)
    expect(await Promise.all(sockets)).toEqual([4401, 4401])
  })

  test('when their token is revoked', async () => {
    const auth = c.as(admin.token).client(AuthService)
    const { secret, token } = await auth.createApiToken({ name: 'x', scopes: ['*'] })
    const sockets = await open({ authorization: `Bearer ${secret}` })
    await auth.revokeApiToken({ tokenId: token?.id ?? '' })
    expect(await Promise.all(sockets)).toEqual([4401, 4401])
  })

  test('at the moment when the time of their token is over', async () => {
    const auth = c.as(admin.token).client(AuthService)
    const expiresAt = timestampFromDate(new Date(clock.now().getTime() + 10_000))
    const { secret } = await auth.createApiToken({ name: 'x', scopes: ['*'], expiresAt })
    const sockets = await open({ authorization: `Bearer ${secret}` })
    clock.advance(10_000)
    expect(await Promise.all(sockets)).toEqual([4401, 4401])
  })

  test('at the moment when their session ends, which no use moves on for ever', async () => {
    const session = await signIn()
    const [lastSeenAt, createdAt] = [60_001, 90 * 24 * 3_600_000 - 10_000].map((ms) => new Date(+clock.now() - ms))
    await c.db.em().nativeUpdate(SessionEntity, {}, { createdAt, lastSeenAt } as Partial<Session>)
    clock.advance(2000)
    const sockets = await open(session)
    clock.advance(8000)
    expect(await Promise.all(sockets)).toEqual([4401, 4401])
  })
})

test('behind HTTPS the cookie never travels without it', async () => {
  const port = await freePort()
  const config = { admin, publicUrl: 'https://ci.example.org', http: { host: '127.0.0.1', port } }
  await using _ = await startController({ empty: true, config })
  const response = await fetch(`http://127.0.0.1:${port}/api/ansflow.v1.AuthService/Login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: 'https://ci.example.org' },
    body: JSON.stringify({ email: admin.email, password: admin.password }),
  })
  expect(response.headers.get('set-cookie')?.split('; ')).toEqual(
    expect.arrayContaining(['HttpOnly', 'SameSite=Lax', 'Secure']),
  )
})

test('ids of another organization inside of an own one are not there', async () => {
  await using c = await startController()
  const elsewhere = await c.addOrganization()
  const stranger = await c.addUser({ role: Role.OWNER, organizationId: elsewhere })
  const theirs = c.as(stranger)
  const own = c.as(c.owner)
  const projectId = await c.addProject()
  const theirProject = await c.addProject('theirs', elsewhere)
  const invited = await theirs.client(MemberService).inviteMember({ email: 'x@example.org', role: Role.VIEWER })
  const madeToken = await theirs.client(AuthService).createApiToken({ name: 'x', scopes: ['*'] })
  const yaml = 'name: p\nsteps:\n  one: { run: "true" }\n'
  const { pipeline } = await theirs
    .client(PipelineService)
    .applyPipeline({ projectId: theirProject, yaml, publish: true })
  const { run } = await theirs.client(RunService).startRun({ pipelineId: pipeline?.id ?? '' })
  const { userId } = stranger
  const refused: Promise<unknown>[] = [
    own.client(MemberService).removeMember({ userId }),
    own.client(MemberService).setMemberRole({ userId, role: Role.VIEWER }),
    own.client(MemberService).setProjectMemberRole({ projectId, userId, role: Role.VIEWER }),
    own.client(MemberService).removeProjectMember({ projectId, userId }),
    own.client(MemberService).revokeInvitation({ invitationId: invited.invitation?.id ?? '' }),
    own.client(AuthService).revokeApiToken({ tokenId: madeToken.token?.id ?? '' }),
    own.client(SecretService).deleteSecret({ projectId, name: 'THEIRS' }),
  ]
  for (const ending of await Promise.allSettled(refused)) {
    expect(ending).toMatchObject({ status: 'rejected', reason: { code: Code.NotFound } })
  }
  const filters = [{ projectId: theirProject }, { pipelineId: pipeline?.id ?? '' }, { startedBy: userId }, {}]
  for (const filter of filters) expect((await own.client(RunService).listRuns(filter)).runs).toEqual([])
  expect((await own.client(ProjectService).listProjects({ organizationId: elsewhere })).projects).toEqual([])
  expect((await own.client(AgentService).listAgents({})).agents).toEqual([])
  expect((await theirs.client(RunService).listRuns({})).runs.map(({ id }) => id)).toEqual([run?.id])
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
