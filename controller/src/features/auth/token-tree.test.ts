// Whoever revokes a token, ends a session or changes a password ends what was made with it: nothing made by a thief stays.

import { Role } from '@ansflow/proto/access'
import { AgentLinkService } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { AuthService } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { MemberService } from '@ansflow/proto/gen/ansflow/v1/members_pb'
import { Code } from '@connectrpc/connect'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startController, type TestController } from '../../../test/start-controller.ts'

const password = 'correct horse battery'
const admin = { email: 'a@example.org', password, token: `af_${'x'.repeat(40)}` }
const everything = { name: 'x', scopes: ['*'] }

let c: TestController
beforeEach(async () => {
  c = await startController({ empty: true, config: { admin } })
})
afterEach(() => c[Symbol.asyncDispose]())

const auth = (token: string | undefined) => c.as(token).client(AuthService)

async function make(token: string): Promise<{ id: string; secret: string }> {
  const made = await auth(token).createApiToken(everything)
  return { id: made.token?.id ?? '', secret: made.secret }
}

async function lives(token: string): Promise<boolean> {
  try {
    await auth(token).getMe({})
    return true
  } catch (error) {
    expect(error).toMatchObject({ code: Code.Unauthenticated })
    return false
  }
}

/** Signed in in a browser: its session's id, and calls by its cookie. */
async function signIn(): Promise<(rpc: string, body?: object) => Promise<Record<string, unknown>>> {
  const post = (rpc: string, body: object, headers: Record<string, string>) =>
    fetch(`${c.url}/api/ansflow.v1.AuthService/${rpc}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  const login = await post('Login', { email: admin.email, password }, {})
  const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? ''
  return async (rpc, body = {}) => {
    const answer = await post(rpc, body, { cookie, 'sec-fetch-site': 'same-origin' })
    expect(answer.status).toBe(200)
    return (await answer.json()) as Record<string, unknown>
  }
}

describe('a token that is revoked', () => {
  test('takes all under it along, however deep, and nothing beside it', async () => {
    const stolen = await make(admin.token)
    const beside = await make(admin.token)
    const under: string[] = []
    // MySQL follows a cascade down fifteen steps only.
    for (let parent = stolen.secret; under.length < 20; parent = under.at(-1) ?? '') {
      under.push((await make(parent)).secret)
    }
    const { tokens } = await auth(admin.token).listApiTokens({})
    expect(tokens.find(({ id }) => id === stolen.id)?.made).toMatchObject({ apiTokens: 20 })
    expect(tokens.filter(({ parentId }) => parentId === stolen.id)).toHaveLength(1)
    await auth(admin.token).revokeApiToken({ tokenId: stolen.id })
    expect(await Promise.all([stolen.secret, ...under].map(lives))).toEqual(Array(21).fill(false))
    expect(await lives(beside.secret)).toBe(true)
  })

  test('takes along what it made to let others in, and leaves who is in', async () => {
    const stolen = await make(admin.token)
    const child = await make(stolen.secret)
    const invite = async (token: string, email: string) => {
      const { link } = await c.as(token).client(MemberService).inviteMember({ email, role: Role.OWNER })
      return link.split('#')[1] ?? ''
    }
    const register = (token: string) => c.as(undefined).client(AgentLinkService).register({ token, slots: 1 })
    const registration = async (token: string) =>
      (await c.as(token).client(AgentService).createRegistrationToken({})).token
    const [taken, open] = [await invite(child.secret, 'in@example.org'), await invite(child.secret, 'out@example.org')]
    const [used, unused] = [await registration(child.secret), await registration(child.secret)]
    const others = { invitation: await invite(admin.token, 'kept@example.org'), agent: await registration(admin.token) }
    await auth(undefined).acceptInvitation({ token: taken, name: 'In', password })
    await register(used)

    const { tokens } = await auth(admin.token).listApiTokens({})
    const { made } = tokens.find(({ id }) => id === stolen.id) ?? {}
    expect(made).toMatchObject({ apiTokens: 1, invitations: 1, registrationTokens: 1 })
    await auth(admin.token).revokeApiToken({ tokenId: stolen.id })
    await expect(auth(undefined).getInvitation({ token: open })).rejects.toMatchObject({ code: Code.NotFound })
    await expect(register(unused)).rejects.toMatchObject({ code: Code.PermissionDenied })
    await auth(undefined).getInvitation({ token: others.invitation })
    await register(others.agent)
    const { members } = await c.as(admin.token).client(MemberService).listMembers({})
    expect(members.map(({ email }) => email)).toContain('in@example.org')
    expect((await c.as(admin.token).client(AgentService).listAgents({})).agents).toHaveLength(2)
  })

  test('makes nothing any more, also where its revocation is not yet known', async () => {
    const stolen = await make(admin.token)
    expect(await lives(stolen.secret)).toBe(true)
    // As another controller does it while the bus is down: this one still remembers the token.
    await c.db.em().execute('delete from api_token where id = ?', [stolen.id])
    const late = [
      auth(stolen.secret).createApiToken(everything),
      c.as(stolen.secret).client(MemberService).inviteMember({ email: 'b@example.org', role: Role.OWNER }),
      c.as(stolen.secret).client(AgentService).createRegistrationToken({}),
    ]
    for (const end of await Promise.allSettled(late)) {
      expect(end).toMatchObject({ status: 'rejected', reason: { code: Code.Unauthenticated } })
    }
  })
})

describe('tokens of a session', () => {
  test('go with it only when that is asked', async () => {
    const [own, thief, other] = [await signIn(), await signIn(), await signIn()]
    const secrets = []
    for (const browser of [thief, other]) secrets.push(String((await browser('CreateApiToken', everything)).secret))
    const [thiefs = '', others = ''] = secrets
    const grandchild = await make(thiefs)
    const { sessions } = (await own('ListSessions')) as {
      sessions: { id: string; current?: boolean; apiTokens?: number }[]
    }
    expect(sessions.map(({ apiTokens = 0 }) => apiTokens).sort()).toEqual([0, 1, 2])
    const { id } = sessions.find(({ apiTokens }) => apiTokens === 2) ?? {}
    await own('RevokeSession', { sessionId: id, revokeTokens: true })
    expect(await Promise.all([thiefs, grandchild.secret, others, admin.token].map(lives))).toEqual([
      false,
      false,
      true,
      true,
    ])
    await other('Logout')
    expect(await lives(others)).toBe(true)
  })
})

describe('a new password', () => {
  test('leaves the tokens, or revokes every one when that is asked', async () => {
    const [own, elsewhere] = [await signIn(), await signIn()]
    const child = await make(admin.token)
    const made = String((await elsewhere('CreateApiToken', everything)).secret)
    const tokens = [admin.token, child.secret, made]
    await own('ChangePassword', { currentPassword: password, newPassword: `${password}!` })
    expect(await Promise.all(tokens.map(lives))).toEqual([true, true, true])
    const again = { currentPassword: `${password}!`, newPassword: password, revokeTokens: true }
    await own('ChangePassword', again)
    expect(await Promise.all(tokens.map(lives))).toEqual([false, false, false])
    await own('GetMe')
  })

  test('revokes also the token that asks for it', async () => {
    await auth(admin.token).changePassword({
      currentPassword: password,
      newPassword: `${password}!`,
      revokeTokens: true,
    })
    expect(await lives(admin.token)).toBe(false)
  })
})
