// The same is asked of every forge, against a server that wants what the real one wants: one contract, whoever keeps it.
import { ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createOutbound } from '../../../platform/outbound.ts'
import { readAllowed } from '../../../platform/outbound-rules.ts'
import { type CommitStatus, type ForgeClient, type ForgeComment, type ForgeDeployment, ForgeError } from '../forge.ts'
import { forgeOf, forges } from '../kinds.ts'
import type { FakeForge, Fault } from '../test/fake-forge.ts'
import { fakeForges } from '../test/fake-forges.ts'
import { pull } from '../test/fake-records.ts'

const outbound = createOutbound({ allowed: readAllowed('127.0.0.1') })
const token = 'secret-token-that-nobody-sees'
const soon = () => AbortSignal.timeout(5000)
const shop = 'acme/shop'

const kinds = [...fakeForges].map(([kind, start]) => ({ name: forgeOf(kind).name, kind, start }))
const isBitbucket = (kind: ForgeKind) => kind === ForgeKind.BITBUCKET

/** Of each kind: the words in which the forge is told. */
const stateWords: Partial<Record<ForgeKind, Record<CommitStatus['state'], string>>> = {
  [ForgeKind.GITHUB]: {
    pending: 'pending',
    running: 'pending',
    succeeded: 'success',
    failed: 'failure',
    canceled: 'error',
  },
  [ForgeKind.GITLAB]: {
    pending: 'pending',
    running: 'running',
    succeeded: 'success',
    failed: 'failed',
    canceled: 'canceled',
  },
  [ForgeKind.GITEA]: {
    pending: 'pending',
    running: 'pending',
    succeeded: 'success',
    failed: 'failure',
    canceled: 'error',
  },
  [ForgeKind.BITBUCKET]: {
    pending: 'INPROGRESS',
    running: 'INPROGRESS',
    succeeded: 'SUCCESSFUL',
    failed: 'FAILED',
    canceled: 'STOPPED',
  },
}

const hookEvents: Partial<Record<ForgeKind, string[]>> = {
  [ForgeKind.GITHUB]: ['issue_comment', 'pull_request', 'push', 'release'],
  [ForgeKind.GITLAB]: ['merge_requests_events', 'note_events', 'push_events', 'releases_events', 'tag_push_events'],
  [ForgeKind.GITEA]: [
    ...['delete', 'issue_comment', 'pull_request', 'pull_request_comment', 'pull_request_label', 'pull_request_sync'],
    ...['push', 'release'],
  ],
  [ForgeKind.BITBUCKET]: [
    ...['pullrequest:comment_created', 'pullrequest:created', 'pullrequest:fulfilled', 'pullrequest:rejected'],
    ...['pullrequest:updated', 'repo:push'],
  ],
  [ForgeKind.GITEE]: ['merge_requests_events', 'note_events', 'push_events', 'tag_push_events'],
}

describe.each(kinds)('$name', ({ kind, start }) => {
  let forge: FakeForge
  let client: ForgeClient
  const clientWith = (given: string) =>
    forgeOf(kind).client({ url: forge.url, credentials: { kind: 'token', user: '', token: given }, outbound })

  beforeEach(async () => {
    forge = await start(token)
    client = clientWith(token)
  })
  afterEach(() => forge.close())

  const faultOf = async (work: Promise<unknown>): Promise<ForgeError> => {
    const error: unknown = await work.then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    if (!(error instanceof ForgeError)) throw error ?? new Error('It was answered.')
    expect(error.message).not.toContain(token)
    return error
  }

  test('says who the credentials are', async () => {
    const who = await client.whoAmI(soon())
    expect(who.name).toBe('ann')
    if (kind === ForgeKind.GITHUB) {
      expect(who).toEqual({
        name: 'ann',
        scopes: ['repo', 'admin:repo_hook'],
        expiresAt: new Date('2031-02-03T04:05:06Z'),
      })
    }
    if (kind === ForgeKind.GITLAB) expect(who).toMatchObject({ scopes: ['api'], expiresAt: new Date('2031-02-03') })
    if (isBitbucket(kind)) expect(who.scopes).toEqual(['repository', 'webhook'])
  })

  test('knows a repository, and finds it', async () => {
    const known = {
      fullName: shop,
      cloneUrl: `${forge.url}/${shop}.git`,
      webUrl: `${forge.url}/${shop}`,
      defaultBranch: 'main',
      isPrivate: true,
      description: 'What is sold',
    }
    expect(await client.repository(shop, soon())).toEqual(known)
    expect(await client.search!('shop', soon())).toEqual([known])
    expect(await client.search!('nothing', soon())).toEqual([])
    expect((await client.search!('', soon())).length).toBeLessThanOrEqual(50)
    for (const name of ['acme/other', '../user', 'acme/shop/../../user', 'acme', 'acme/shop?x=1']) {
      expect((await faultOf(client.repository(name, soon()))).fault, name).toBe('missing')
    }
  })

  test('has one hook for an address, which is changed and found again among many', async () => {
    for (let i = 0; i < 130; i++) {
      forge.hooks.push({
        repository: shop,
        id: String(1000 + i),
        url: `https://other.example.org/${i}`,
        secret: '',
        events: [],
      })
    }
    const url = 'https://ansflow.example.org/hooks/abc'
    const id = await client.putHook!(shop, { url, secret: 'first' }, soon())
    expect(await client.putHook!(shop, { url, secret: 'second' }, soon())).toBe(id)
    const [mine, ...more] = forge.hooks.filter((hook) => hook.url === url)
    expect(more).toEqual([])
    expect(mine).toMatchObject({ repository: shop, secret: 'second' })
    expect(mine?.events).toEqual(hookEvents[kind])
    await client.deleteHook!(shop, id, soon())
    expect(forge.hooks).toHaveLength(130)
    expect((await faultOf(client.deleteHook!(shop, id, soon()))).fault).toBe('missing')
    expect((await faultOf(client.deleteHook!(shop, '../../user', soon()))).fault).toBe('missing')
  })

  test('is told how a commit does, each time anew', async () => {
    const words = stateWords[kind]
    expect(client.putStatus === undefined).toBe(words === undefined)
    if (!words || !client.putStatus) return
    const name = `AnsFlow / ${'build and test '.repeat(5)}`
    const said = { name, of: '', description: 'x'.repeat(200), url: 'https://ansflow.example.org/runs/1' }
    for (const state of ['pending', 'running', 'running', 'succeeded', 'failed', 'canceled'] as const) {
      await client.putStatus(shop, pull.head, { ...said, state }, soon())
      const { of: _, ...shown } = said
      const status = { ...shown, name: name.trim(), repository: shop, commit: pull.head, state: words[state] }
      expect(forge.statuses).toEqual([{ ...status, description: 'x'.repeat(140) }])
    }
    expect((await faultOf(client.putStatus(shop, 'main', { ...said, state: 'failed' }, soon()))).fault).toBe('refused')
  })

  test('has one comment of ours on a pull request, which is changed and found again among many', async () => {
    const [mark, copied] = ['[//]: # (ansflow 1)', '[//]: # (ansflow 2)']
    const said = (text: string, id = '', of = mark) => ({ id, mark: of, text: `${text}\n\n${of}` })
    const others = Array.from({ length: 130 }, (_, i) => ({
      author: 'bob',
      body: i === 60 ? `${mark} ${copied}` : 'x',
    }))
    forge.comments.push(...others.map((each, i) => ({ repository: shop, number: 7, id: String(5000 + i), ...each })))
    const put = (comment: ForgeComment) => client.putComment!(shop, 7, comment, soon())
    const id = await put(said('first'))
    expect(await put(said('second'))).toBe(id)
    expect(await put(said('third', id))).toBe(id)
    const ours = () => forge.comments.filter(({ author }) => author === 'ann')
    expect(ours()).toMatchObject([{ id, body: `third\n\n${mark}` }])
    expect(forge.comments.filter(({ author }) => author === 'bob').map(({ body }) => body)).toEqual(
      others.map(({ body }) => body),
    )
    forge.comments.splice(forge.comments.indexOf(ours()[0]!), 1)
    const next = await put(said('fourth', id))
    expect(ours()).toMatchObject([{ id: next, body: `fourth\n\n${mark}` }])
    await put(said('other', '', copied))
    expect(ours()).toHaveLength(2)
    expect((await faultOf(client.putComment!(shop, 8, said('x'), soon()))).fault).toBe('missing')
  })

  test('is told what was deployed, each time once, where it keeps that', async () => {
    const { putDeployment } = client
    if (!putDeployment) return expect([ForgeKind.BITBUCKET, ForgeKind.GITEE]).toContain(kind)
    const said: Omit<ForgeDeployment, 'state' | 'id'> = {
      ...{ mark: 'd1', environment: 'preview', ref: 'fast', isTag: false, isPreview: true, isAgain: false },
      ...{ description: '#1 deploys', url: '', logUrl: 'https://ansflow.example.org/runs/1?step=ship' },
    }
    const put = (news: Partial<ForgeDeployment> & Pick<ForgeDeployment, 'state'>) =>
      putDeployment(shop, pull.head, { ...said, id: '', ...news }, soon())
    const url = 'https://pr-7.example.org/'
    const id = await put({ state: 'running' })
    // Who has not heard what came of it tells it again.
    const isGitea = kind === ForgeKind.GITEA
    expect(await put({ state: 'running', isAgain: true })).toBe(id)
    expect(await put({ state: 'succeeded', url })).toBe(id)
    expect(await put({ state: 'succeeded', url, id, isAgain: true })).toBe(id)
    if (isGitea) {
      expect(forge.statuses).toMatchObject([{ name: 'deploy/preview', state: 'success', url, commit: pull.head }])
      expect(forge.deployments).toEqual([])
    } else {
      const isGithub = kind === ForgeKind.GITHUB
      const states = isGithub ? ['in_progress', 'success'] : ['running', 'success']
      expect(forge.deployments).toMatchObject([
        { id, commit: pull.head, environment: 'preview', states, url, isTransient: isGithub },
      ])
      await put({ state: 'inactive', url, id })
      expect(forge.deployments[0]!.states).toEqual(isGithub ? [...states, 'inactive'] : states)
      const other = await put({ state: 'failed', mark: 'd2', environment: 'production' })
      expect(forge.deployments[1]).toMatchObject({ id: other, states: [isGithub ? 'failure' : 'failed'], url: '' })
      forge.mayDeploy = false
      const error = await faultOf(put({ state: 'running', mark: 'd3', environment: 'third' }))
      expect([error.fault, error.message]).toEqual(['denied', expect.stringMatching(/^Deployments are not recorded: /)])
    }
    expect((await faultOf(putDeployment(shop, 'main', { ...said, id: '', state: 'failed' }, soon()))).fault).toBe(
      'refused',
    )
  })

  test('tells all of a pull request', async () => {
    expect(await client.pullRequest!(shop, 7, soon())).toMatchObject({
      number: 7,
      title: 'Faster checkout',
      draft: false,
      labels: isBitbucket(kind) ? [] : ['speed'],
      author: 'ann',
      head: { branch: 'fast', commit: pull.head, repository: 'mallory/shop' },
      base: { branch: 'main' },
      fork: true,
    })
  })

  test('opens one request from a branch, and changes it', async () => {
    expect(forgeOf(kind).can.has('pullRequests')).toBe(true)
    for (let number = 1000; number < 1070; number++) {
      forge.pulls.push({
        repository: shop,
        ...{ number, head: `other/${number}`, base: 'main', title: 'x', body: 'x', isOpen: true },
      })
    }
    const asked = { head: 'ansflow/build', base: 'main', title: 'Build\nanew', body: '# All\n\n/merge\n* of it' }
    const opened = await client.putPullRequest!(shop, asked, soon())
    expect(opened.url).toContain(`${forge.url}/acme/shop/`)
    const again = { ...asked, title: 'Build more', body: 'x'.repeat(100_000) }
    expect(await client.putPullRequest!(shop, again, soon())).toEqual(opened)
    const mine = forge.pulls.filter(({ head }) => head === asked.head)
    expect(mine).toMatchObject([{ number: opened.number, base: 'main', title: 'Build more', isOpen: true }])
    expect(mine[0]!.body.length).toBe(32_000)
    // One that is closed is not opened again.
    mine[0]!.isOpen = false
    const next = await client.putPullRequest!(shop, asked, soon())
    expect(next.number).not.toBe(opened.number)
    expect(forge.pulls.at(-1)).toMatchObject({ title: 'Build anew', body: '# All\n\n\\/merge\n* of it' })
  })

  test('gives git what it needs', async () => {
    const username = kind === ForgeKind.GITHUB ? 'x-access-token' : isBitbucket(kind) ? 'x-token-auth' : 'oauth2'
    expect(await client.gitCredentials(shop, soon())).toEqual({ kind: 'password', username, password: token })
    const nobody = forgeOf(kind).client({ url: forge.url, credentials: { kind: 'none' }, outbound })
    expect(await nobody.gitCredentials(shop, soon())).toBeUndefined()
    expect(forge.asked).toEqual([])
  })

  test('with a wrong token, or none, is denied', async () => {
    expect((await faultOf(clientWith('wrong').repository(shop, soon()))).fault).toBe('denied')
    const nobody = forgeOf(kind).client({ url: forge.url, credentials: { kind: 'none' }, outbound })
    expect((await faultOf(nobody.whoAmI(soon()))).fault).toBe('denied')
  })

  test.each<[string, Fault, string]>([
    ['forbidden', { status: 403, body: { message: `no ${token} here` } }, 'denied'],
    ['gone', { status: 410 }, 'missing'],
    ['conflict', { status: 409, body: { message: 'It is so already' } }, 'refused'],
    ['too many', { status: 429 }, 'limited'],
    ['its own fault', { status: 500, body: { message: 'oops' } }, 'unreachable'],
    ['a proxy’s fault', { status: 502, headers: { 'content-type': 'text/html' } }, 'unreachable'],
    ['a page in the place of JSON', 'html', 'unreachable'],
    ['an answer without end', 'large', 'unreachable'],
    ['a connection that is cut', 'cut', 'unreachable'],
    ['JSON of another kind', { body: [] }, 'unreachable'],
    ['fields of another kind', { body: { login: 7, username: [], nickname: {}, full_name: 1 } }, 'unreachable'],
  ])('%s', async (_, fault, is) => {
    forge.fault = fault
    const error = await faultOf(client.whoAmI(soon()))
    expect(error.fault).toBe(is)
    expect((await faultOf(client.repository(shop, soon()))).fault).toBe(is)
  })

  test('says when it may be asked again', async () => {
    const near = (date: Date | undefined, seconds: number) =>
      Math.abs((date?.getTime() ?? 0) - Date.now() - seconds * 1000) < 5000
    const limited = async (status: number, headers: Record<string, string>) => {
      forge.fault = { status, headers }
      const error = await faultOf(client.whoAmI(soon()))
      expect(error.fault).toBe('limited')
      return error.retryAt
    }
    const at = Math.floor(Date.now() / 1000) + 90
    expect(near(await limited(429, { 'retry-after': '60' }), 60)).toBe(true)
    expect(near(await limited(429, { 'retry-after': new Date(at * 1000).toUTCString() }), 90)).toBe(true)
    expect(near(await limited(403, { 'retry-after': '60' }), 60)).toBe(true)
    expect(near(await limited(403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(at) }), 90)).toBe(true)
    expect(near(await limited(429, { 'ratelimit-remaining': '0', 'ratelimit-reset': '90' }), 90)).toBe(true)
    expect(near(await limited(429, { 'retry-after': '999999999' }), 24 * 3600)).toBe(true)
    expect(await limited(429, { 'retry-after': 'never' })).toBeUndefined()
    forge.fault = { status: 403, headers: { 'x-ratelimit-remaining': '4000', 'x-ratelimit-reset': String(at) } }
    expect((await faultOf(client.whoAmI(soon()))).fault).toBe('denied')
  })

  test('is not waited for any longer than was said', async () => {
    forge.fault = 'hang'
    const end = new AbortController()
    const asked = faultOf(client.whoAmI(end.signal))
    await expect.poll(() => forge.asked.length).toBe(1)
    end.abort()
    expect(await asked).toMatchObject({ fault: 'unreachable' })
  })

  test('that sends elsewhere gets nothing that is secret there', async () => {
    const other = await start(token)
    forge.fault = { status: 302, headers: { location: `${other.url}/api/v3/user` } }
    expect((await faultOf(client.whoAmI(soon()))).fault).toMatch(/denied|missing/)
    const headers = other.asked.flatMap((each) => Object.values(each.headers))
    expect(headers.join()).not.toContain(token)
    // What is told holds more than its address does.
    const { putStatus } = client
    if (!putStatus) return other.close()
    const status = {
      name: 'x',
      of: '',
      state: 'failed',
      description: 'x',
      url: 'https://ansflow.example.org/runs/1',
    } as const
    forge.fault = { status: 307, headers: { location: `${other.url}/x` } }
    const heard = other.asked.length
    expect((await faultOf(putStatus(shop, pull.head, status, soon()))).fault).toBe('missing')
    expect(other.asked).toHaveLength(heard)
    await other.close()
  })

  test('whoever may push is known, where the forge tells it, and nobody else is', async () => {
    const { mayPush } = client
    if (!mayPush) return expect([ForgeKind.BITBUCKET, ForgeKind.GITEE]).toContain(kind)
    const may = (person: string) => client.mayPush!(shop, person, soon())
    expect([await may('ann'), await may('root')]).toEqual([true, true])
    for (const person of ['mallory', 'nobody', 'dependabot[bot]', '../..', '..', '']) {
      expect(await may(person), person).toBe(false)
    }
    forge.fault = { status: 503 }
    expect((await faultOf(may('ann'))).fault).toBe('unreachable')
  })
})

test('what is said to be possible is', () => {
  for (const { name, kind } of kinds) {
    const { can } = forgeOf(kind)
    const client = forgeOf(kind).client({ url: 'https://forge.example.org', credentials: { kind: 'none' }, outbound })
    const has = {
      hooks: client.putHook && client.deleteHook,
      search: client.search,
      statuses: client.putStatus,
      comments: client.putComment,
    }
    const records = can.has('deployments') || can.has('deploymentStatuses')
    expect(records, `${name} deployments`).toBe(client.putDeployment !== undefined)
    for (const [ability, method] of Object.entries(has)) {
      expect(can.has(ability as 'hooks'), `${name} ${ability}`).toBe(method !== undefined)
    }
  }
})

test.each(forges)('$name takes only addresses and tokens that can be some', ({ kind }) => {
  const of = (url: string, given = token, user = '') =>
    forgeOf(kind).client({ url, credentials: { kind: 'token', user, token: given }, outbound })
  for (const url of ['', 'forge', 'ftp://a', 'https://a:b@c', 'https://a/?x=1', 'https://a/#x', 'javascript:1']) {
    expect(() => of(url), url).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  }
  for (const bad of ['', 'a b', 'a\r\nx: y', 'ä', 'x'.repeat(5000)]) {
    expect(() => of('https://a.example.org', bad)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  }
  expect(() => of('https://a.example.org', token, 'a:b')).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  expect(() => of('https://a.example.org/forge/')).not.toThrow()
})
