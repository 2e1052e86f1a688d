import { Role } from '@ansflow/proto/access'
import { AuthService } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { MemberService } from '@ansflow/proto/gen/ansflow/v1/members_pb'
import { OrganizationService } from '@ansflow/proto/gen/ansflow/v1/organizations_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { Code, type ConnectError } from '@connectrpc/connect'
import { expect, test } from 'vitest'
import { startController, type TestController } from '../../../test/start-controller.ts'
import { manualClock } from '../../platform/clock.ts'
import { placeOf } from '../../platform/place.ts'
import { countTry, rememberSuccess, triesPerAccount, triesPerAddress, triesPerPair } from './login-limits.ts'
import { hashPassword } from './passwords.ts'
import { renewSetupToken } from './setup.ts'

const password = 'correct horse battery'

test('set-up makes the first owner once, however many try at the same time', async () => {
  await using c = await startController({ empty: true })
  const auth = c.as(undefined).client(AuthService)
  expect(await auth.getSetup({})).toMatchObject({ setupNeeded: true })
  const setupToken = c.controller.setupLink?.split('#')[1] ?? ''
  const request = {
    setupToken,
    email: 'Ada@Example.org',
    name: 'Ada',
    password,
    organizationName: 'Analytical Engines',
  }
  await expect(auth.completeSetup({ ...request, setupToken: 'afu_wrong' })).rejects.toMatchObject({
    code: Code.PermissionDenied,
  })
  await expect(auth.completeSetup({ ...request, password: 'short' })).rejects.toMatchObject({
    code: Code.InvalidArgument,
  })
  const tries = await Promise.allSettled(Array.from({ length: 8 }, () => auth.completeSetup(request)))
  expect(tries.filter((each) => each.status === 'fulfilled').length).toBe(1)
  expect(await auth.getSetup({})).toMatchObject({ setupNeeded: false })
  await expect(auth.completeSetup(request)).rejects.toMatchObject({ code: Code.FailedPrecondition })
  expect(await renewSetupToken(c.db, c.controller.keys, c.clock.now())).toBeUndefined()

  const browser = await signIn(c, 'ada@example.org', password)
  const me = await browser('AuthService/GetMe')
  expect(me).toMatchObject({
    user: { email: 'ada@example.org', name: 'Ada' },
    organizations: [{ name: 'Analytical Engines', slug: 'analytical-engines', role: 'ROLE_OWNER' }],
  })
})

test('the environment can name the admin of an empty database', async () => {
  const token = `af_${'x'.repeat(40)}`
  await using c = await startController({
    empty: true,
    config: { admin: { email: 'root@example.org', password, token } },
  })
  expect(c.controller.setupLink).toBeUndefined()
  expect((await c.as(token).client(OrganizationService).listOrganizations({})).organizations.length).toBe(1)
  await signIn(c, 'root@example.org', password)
})

test('a cookie is HttpOnly and counts only for calls from our own pages', async () => {
  await using c = await startController({
    empty: true,
    config: { admin: { email: 'a@example.org', password, token: undefined } },
  })
  const response = await post(c, 'AuthService/Login', { email: 'a@example.org', password })
  const cookie = response.headers.get('set-cookie') ?? ''
  const [pair, ...attributes] = cookie.split('; ')
  expect(pair).toMatch(/^ansflow_session=afs_[\w-]{43}$/)
  expect(attributes.map((attribute) => attribute.replace(/=\d+$/, '=n')).sort()).toEqual([
    'HttpOnly',
    'Max-Age=n',
    'Path=/',
    'SameSite=Lax',
  ])
  const session = { cookie: cookie.split(';')[0] ?? '' }
  const me = (headers: Record<string, string>) => post(c, 'AuthService/GetMe', {}, { ...session, ...headers })
  expect((await me({ 'sec-fetch-site': 'same-origin' })).status).toBe(200)
  expect((await me({ origin: c.url })).status).toBe(200)
  for (const headers of [
    {},
    { origin: 'null' },
    { origin: 'http://evil.example' },
    { 'sec-fetch-site': 'cross-site', origin: c.url },
    { 'sec-fetch-site': 'same-site' },
  ]) {
    const refused = await me(headers as Record<string, string>)
    expect(refused.status).toBe(403)
    expect(refused.headers.get('access-control-allow-origin')).toBeNull()
  }
})

test('a session ends by logout, by revocation, by a new password and by time', async () => {
  const clock = manualClock()
  const admin = { email: 'a@example.org', password, token: undefined }
  await using c = await startController({ empty: true, config: { admin }, overrides: { clock } })
  const first = await signIn(c, admin.email, password)
  const second = await signIn(c, admin.email, password)
  const { sessions } = (await second('AuthService/ListSessions')) as { sessions: { id: string; current?: boolean }[] }
  expect(sessions.length).toBe(2)
  const other = sessions.find((session) => !session.current)?.id
  await second('AuthService/RevokeSession', { sessionId: other })
  await expect(first('AuthService/GetMe')).rejects.toThrow('unauthenticated')

  const third = await signIn(c, admin.email, password)
  await second('AuthService/ChangePassword', { currentPassword: password, newPassword: `${password}!` })
  await expect(third('AuthService/GetMe')).rejects.toThrow('unauthenticated')
  await second('AuthService/GetMe')
  await expect(signIn(c, admin.email, password)).rejects.toThrow('unauthenticated')

  // Used every week it lives on; unused for two weeks it ends.
  for (let week = 0; week < 4; week++) {
    clock.advance(7 * 24 * 3_600_000)
    await second('AuthService/GetMe')
  }
  const fourth = await signIn(c, admin.email, `${password}!`)
  await fourth('AuthService/Logout')
  await expect(fourth('AuthService/GetMe')).rejects.toThrow('unauthenticated')
  clock.advance(15 * 24 * 3_600_000)
  await expect(second('AuthService/GetMe')).rejects.toThrow('unauthenticated')
})

test('a session in use lives on, for ninety days; its cookie does not go before', async () => {
  const clock = manualClock()
  const admin = { email: 'a@example.org', password, token: undefined }
  await using c = await startController({ empty: true, config: { admin }, overrides: { clock } })
  const answer = await post(c, 'AuthService/Login', { email: admin.email, password })
  expect(answer.headers.get('set-cookie')).toContain(`; Max-Age=${90 * 24 * 3600}`)
  const browser = await signIn(c, admin.email, password)
  for (let week = 1; week <= 12; week++) {
    clock.advance(7 * 24 * 3_600_000)
    await browser('AuthService/GetMe')
  }
  clock.advance(7 * 24 * 3_600_000)
  await expect(browser('AuthService/GetMe')).rejects.toThrow('unauthenticated')
})

test('tries to sign in are limited per account, also for accounts that do not exist, until the window ends', async () => {
  const clock = manualClock()
  const admin = { email: 'a@example.org', password, token: undefined }
  await using c = await startController({ empty: true, config: { admin }, overrides: { clock } })
  const login = (email: string, given: string) => c.as(undefined).client(AuthService).login({ email, password: given })
  for (const email of [admin.email, 'nobody@example.org']) {
    const tries = await Promise.allSettled(
      Array.from({ length: triesPerPair + 5 }, () => login(email, 'wrong password')),
    )
    const codes = tries.map((each) => (each.status === 'rejected' ? (each.reason as ConnectError).code : 0))
    expect(codes.filter((code) => code === Code.Unauthenticated).length).toBe(triesPerPair)
    expect(codes.filter((code) => code === Code.ResourceExhausted).length).toBe(5)
  }
  await expect(login(admin.email, password)).rejects.toMatchObject({ code: Code.ResourceExhausted })
  clock.advance(16 * 60_000)
  expect((await login(admin.email, password)).user?.email).toBe(admin.email)
})

const trusting = { trustedProxies: ['127.0.0.1'] }

function loginFrom(c: TestController, address: string, email: string, given: string): Promise<Response> {
  return post(c, 'AuthService/Login', { email, password: given }, { 'x-forwarded-for': address })
}

test('many addresses lock an account for strangers, not for its person where they signed in before', async () => {
  const clock = manualClock()
  const admin = { email: 'a@example.org', password, token: undefined }
  await using c = await startController({ empty: true, config: { admin, ...trusting }, overrides: { clock } })
  expect((await loginFrom(c, '192.0.2.1', admin.email, password)).status).toBe(200)
  const strangers = Array.from({ length: triesPerAccount }, (_, n) => `198.51.100.${n}`)
  for (const address of strangers) {
    await countTry(c.db, c.controller.keys, { email: admin.email, address, now: clock.now() })
  }
  expect((await loginFrom(c, '203.0.113.9', admin.email, password)).status).toBe(429)
  expect((await loginFrom(c, '192.0.2.1', admin.email, 'wrong password')).status).toBe(401)
  expect((await loginFrom(c, '192.0.2.1', admin.email, password)).status).toBe(200)
  expect((await loginFrom(c, '203.0.113.9', admin.email, password)).status).toBe(200)
})

test('one address has a number of wrong tries, whatever the accounts, and leaves no more rows than that', async () => {
  const clock = manualClock()
  await using c = await startController({ overrides: { clock } })
  const { db } = c
  const { keys } = c.controller
  const from = (address: string, email: string) => ({ email, address, now: clock.now() })
  for (let n = 0; n < triesPerAddress + 3; n++) {
    await countTry(db, keys, from('192.0.2.1', 'right@example.org'))
    await rememberSuccess(db, keys, from('192.0.2.1', 'right@example.org'))
  }
  for (let n = 0; n < triesPerAddress; n++) await countTry(db, keys, from(`2001:db8::${n}`, `x${n}@example.org`))
  const rows = async () => (await db.em().execute<{ id: string }[]>('select id from login_limit')).length
  const most = await rows()
  for (let n = 0; n < 5; n++) {
    const over = countTry(db, keys, from('2001:db8::ffff', `another${n}@example.org`))
    await expect(over).rejects.toMatchObject({ code: 'resource_exhausted', reason: 'login_limit' })
  }
  expect(await rows()).toBe(most)
  clock.advance(16 * 60_000)
  await countTry(db, keys, from('192.0.2.2', 'y@example.org'))
  expect(await rows()).toBeLessThan(10)
})

test('an IPv6 network counts as one address', () => {
  expect(placeOf('192.0.2.1')).toBe('192.0.2.1')
  expect(placeOf('::ffff:192.0.2.1')).toBe('192.0.2.1')
  expect(placeOf('2001:DB8:1:2:3:4:5:6')).toBe('2001:db8:1:2')
  expect(placeOf('2001:db8::9')).toBe('2001:db8:0:0')
  expect(placeOf('::1')).toBe('0:0:0:0')
})

test('without a trusted proxy nobody chooses the address they are counted by', async () => {
  await using c = await startController()
  const tries = Array.from({ length: triesPerPair + 1 }, (_, n) => n)
  const statuses: number[] = []
  for (const n of tries) statuses.push((await loginFrom(c, `192.0.2.${n}`, 'x@example.org', 'wrong')).status)
  expect(statuses.at(-1)).toBe(429)
})

test('a set-up with a wrong token is answered before anything costly', async () => {
  await using c = await startController({ empty: true })
  const setUp = () =>
    post(c, 'AuthService/CompleteSetup', {
      setupToken: 'afu_wrong',
      email: 'a@example.org',
      name: 'A',
      organizationName: 'A',
      password,
    })
  expect((await setUp()).status).toBe(403)
  const processorTime = async (work: () => Promise<unknown>) => {
    const before = process.cpuUsage()
    for (let n = 0; n < 20; n++) await work()
    const { user, system } = process.cpuUsage(before)
    return user + system
  }
  const hashing = await processorTime(() => hashPassword(password))
  expect(await processorTime(setUp)).toBeLessThan(hashing)
})

test('a token made by a token lives no longer than that', async () => {
  const clock = manualClock()
  await using c = await startController({ overrides: { clock } })
  const inSeconds = (seconds: number) => timestampFromDate(new Date(clock.now().getTime() + seconds * 1000))
  const own = c.as(c.owner).client(AuthService)
  const { secret } = await own.createApiToken({ name: 'short', scopes: ['*'], expiresAt: inSeconds(60) })
  const short = c.as(secret).client(AuthService)
  const made = await short.createApiToken({ name: 'child', scopes: ['*'] })
  expect(made.token?.expiresAt).toEqual(inSeconds(60))
  const longer = short.createApiToken({ name: 'child', scopes: ['*'], expiresAt: inSeconds(61) })
  await expect(longer).rejects.toMatchObject({ code: Code.InvalidArgument })
  const byGrpc = c.grpcClient(AuthService, c.owner.token)
  for (const seconds of [0, 1e12]) {
    const wrong = byGrpc.createApiToken({ name: 'x', scopes: ['*'], expiresAt: inSeconds(seconds) })
    await expect(wrong).rejects.toMatchObject({ code: Code.InvalidArgument })
  }
})

test('names and addresses are one line of text', async () => {
  await using c = await startController()
  const own = c.as(c.owner).client(AuthService)
  for (const name of ['a\nb', '\u001b[31mred', 'a\u0085b']) {
    await expect(own.updateMe({ name })).rejects.toMatchObject({ code: Code.InvalidArgument })
  }
  const invited = c.as(c.owner).client(MemberService).inviteMember({ email: 'a\u001b@b', role: Role.VIEWER })
  await expect(invited).rejects.toMatchObject({ code: Code.InvalidArgument })
})

test('old sessions of a person go when they sign in again', async () => {
  const clock = manualClock()
  const admin = { email: 'a@example.org', password, token: undefined }
  await using c = await startController({ empty: true, config: { admin }, overrides: { clock } })
  for (let n = 0; n < 3; n++) {
    await signIn(c, admin.email, password)
    clock.advance(15 * 24 * 3_600_000)
  }
  await signIn(c, admin.email, password)
  expect(await c.db.em().execute('select id from session')).toHaveLength(1)
})

test('an API token does what its scopes and its owner allow, until it is revoked or over', async () => {
  const clock = manualClock()
  await using c = await startController({ overrides: { clock } })
  const own = c.as(c.owner).client(AuthService)
  const expiresAt = timestampFromDate(new Date(clock.now().getTime() + 60_000))
  const made = await own.createApiToken({ name: 'ci', scopes: ['project.read'], expiresAt })
  expect(made.secret).toMatch(/^af_[\w-]{43}$/)
  const narrow = c.as(made.secret)
  const projectId = await c.addProject()
  expect((await narrow.client(ProjectService).getProject({ projectId })).project?.id).toBe(projectId)
  await expect(narrow.client(ProjectService).createProject({ name: 'x' })).rejects.toMatchObject({
    code: Code.PermissionDenied,
  })
  await expect(narrow.client(AuthService).createApiToken({ name: 'more', scopes: ['*'] })).rejects.toMatchObject({
    code: Code.PermissionDenied,
  })
  await expect(
    narrow.client(AuthService).changePassword({ currentPassword: 'x', newPassword: password }),
  ).rejects.toMatchObject({ code: Code.PermissionDenied })
  await expect(own.createApiToken({ name: 'x', scopes: ['nonsense'] })).rejects.toMatchObject({
    code: Code.InvalidArgument,
  })
  clock.advance(61_000)
  await expect(narrow.client(ProjectService).getProject({ projectId })).rejects.toMatchObject({
    code: Code.Unauthenticated,
  })

  const second = await own.createApiToken({ name: 'second', scopes: ['*'] })
  await c.as(second.secret).client(AuthService).getMe({})
  await own.revokeApiToken({ tokenId: second.token?.id ?? '' })
  await expect(c.as(second.secret).client(AuthService).getMe({})).rejects.toMatchObject({ code: Code.Unauthenticated })
  const rows = await c.db.em().execute('select token_hash from api_token')
  expect(JSON.stringify(rows)).not.toContain(second.secret)
})

test('an invitation makes one person with the role it names', async () => {
  await using c = await startController()
  const organization = c.as(c.owner).client(MemberService)
  const { link } = await organization.inviteMember({ email: 'new@example.org', role: Role.DEVELOPER })
  const token = link.split('#')[1] ?? ''
  const auth = c.as(undefined).client(AuthService)
  expect(await auth.getInvitation({ token })).toMatchObject({ email: 'new@example.org', role: Role.DEVELOPER })
  const accepted = await Promise.allSettled(
    Array.from({ length: 5 }, () => auth.acceptInvitation({ token, name: 'New', password })),
  )
  expect(accepted.filter((each) => each.status === 'fulfilled').length).toBe(1)
  await expect(auth.getInvitation({ token })).rejects.toMatchObject({ code: Code.NotFound })
  const { members } = await organization.listMembers({})
  expect(members.find((member) => member.email === 'new@example.org')?.role).toBe(Role.DEVELOPER)
})

type Browser = (path: string, body?: object) => Promise<unknown>

async function signIn(c: TestController, email: string, given: string): Promise<Browser> {
  const response = await post(c, 'AuthService/Login', { email, password: given })
  if (response.status !== 200) throw new Error(((await response.json()) as { code: string }).code)
  const cookie = response.headers.get('set-cookie')?.split(';')[0] ?? ''
  return async (path, body = {}) => {
    const answer = await post(c, path, body, { cookie, 'sec-fetch-site': 'same-origin' })
    const message = (await answer.json()) as { code?: string }
    if (answer.status !== 200) throw new Error(message.code)
    return message
  }
}

function post(c: TestController, path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${c.url}/api/ansflow.v1.${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}
