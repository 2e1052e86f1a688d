// Apps of GitHub: what their key signs, and tokens that are for one repository and made anew before they end.
import { generateKeyPairSync } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createOutbound } from '../../../../platform/outbound.ts'
import { readAllowed } from '../../../../platform/outbound-rules.ts'
import type { CommitStatus, ForgeClient } from '../../forge.ts'
import { type FakeGithub, startFakeGithub } from '../../test/fake-github.ts'
import { pull } from '../../test/fake-records.ts'
import { github } from './github.ts'

const outbound = createOutbound({ allowed: readAllowed('127.0.0.1') })
const newKeys = () =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  })
const { publicKey, privateKey } = newKeys()
const soon = () => AbortSignal.timeout(5000)

let forge: FakeGithub
let client: ForgeClient
const clientWith = (over: object = {}) =>
  github.client({
    url: forge.url,
    credentials: { kind: 'app', appId: '77', installationId: '5', privateKey, ...over },
    outbound,
  })

beforeEach(async () => {
  forge = await startFakeGithub('unused', { appId: '77', installationId: '5', publicKey })
  client = clientWith()
})
afterEach(() => forge.close())

test('git gets a token for the one repository, to read', async () => {
  const given = await client.gitCredentials('acme/shop', soon())
  const [made] = forge.apps.given
  expect(given).toEqual({
    kind: 'password',
    username: 'x-access-token',
    password: made?.token,
    expiresAt: expect.any(Date),
  })
  expect(made).toMatchObject({ repositories: ['shop'], permissions: { contents: 'read', metadata: 'read' } })
})

test('a token is used again, also by another client, until it is about to end', async () => {
  const first = await client.gitCredentials('acme/shop', soon())
  expect(await clientWith().gitCredentials('acme/shop', soon())).toEqual(first)
  expect(forge.apps.given).toHaveLength(1)
  forge.apps.tokenMs = 5 * 60_000
  await client.pullRequest!('acme/shop', 7, soon())
  await client.pullRequest!('acme/shop', 7, soon())
  expect(forge.apps.given.map(({ repositories }) => repositories)).toEqual([['shop'], ['shop'], ['shop']])
})

test('one that was refused is not used again', async () => {
  await client.repository('acme/shop', soon())
  forge.fault = { status: 403, body: { message: 'Resource not accessible by integration' } }
  await expect(client.repository('acme/shop', soon())).rejects.toMatchObject({ fault: 'denied' })
  forge.fault = undefined
  await client.repository('acme/shop', soon())
  expect(forge.apps.given).toHaveLength(2)
})

test('does what a token does', async () => {
  expect(await client.whoAmI(soon())).toEqual({ name: 'ansflow-ci', scopes: ['contents:read'] })
  expect(await client.search!('shop', soon())).toMatchObject([{ fullName: 'acme/shop' }])
})

const status: CommitStatus = {
  name: 'ci',
  of: 'r1',
  state: 'running',
  description: 'It runs',
  url: 'https://a.example.org',
}

test('says how a commit does by one check, with a summary and remarks at lines', async () => {
  await client.putStatus!('acme/shop', pull.head, status, soon())
  expect(forge.apps.checks).toMatchObject([{ commit: pull.head, said: { name: 'ci', status: 'in_progress' } }])
  const remark = { path: 'a.ts', line: 3, endLine: 2, level: 'error', title: 'Bad', message: 'No\nway' } as const
  const annotations = Array.from({ length: 120 }, () => remark)
  const failed = { ...status, state: 'failed', summary: '统'.repeat(60_000), annotations } as const
  await client.putStatus!('acme/shop', pull.head, failed, soon())
  const [check, ...more] = forge.apps.checks
  expect(more).toEqual([])
  expect(check?.said).toMatchObject({
    status: 'completed',
    conclusion: 'failure',
    details_url: 'https://a.example.org',
    output: { title: 'It runs', summary: '统'.repeat(21_845) },
  })
  expect(check?.annotations).toHaveLength(120)
  expect(check?.annotations[0]).toEqual({
    ...{ path: 'a.ts', start_line: 3, end_line: 3, annotation_level: 'failure', title: 'Bad', message: 'No\nway' },
  })
  // What has arrived is not sent again.
  check!.annotations.length = 50
  await client.putStatus!('acme/shop', pull.head, failed, soon())
  await client.putStatus!('acme/shop', pull.head, failed, soon())
  expect(check?.annotations).toHaveLength(120)
  // Another run begins with none.
  await client.putStatus!('acme/shop', pull.head, { ...status, of: 'r2' }, soon())
  expect(forge.apps.checks.map(({ said, annotations }) => [said.external_id, annotations.length])).toEqual([
    ['r1', 120],
    ['r2', 0],
  ])
  expect(forge.statuses).toEqual([])
})

test('sets a status where it may not make checks', async () => {
  forge.apps.mayCheck = false
  await client.putStatus!('acme/shop', pull.head, { ...status, state: 'succeeded' }, soon())
  expect(forge.statuses).toMatchObject([{ state: 'success', name: 'ci' }])
  expect(forge.apps.checks).toEqual([])
})

test('with another key, id or installation is denied or missing, and nothing of the key is said', async () => {
  const other = newKeys().privateKey
  for (const [over, fault] of [
    [{ privateKey: other }, 'denied'],
    [{ appId: '78' }, 'denied'],
    [{ installationId: '6' }, 'missing'],
  ] as const) {
    await expect(clientWith(over).gitCredentials('acme/shop', soon())).rejects.toMatchObject({ fault })
  }
  await expect(client.gitCredentials('acme/other', soon())).rejects.toMatchObject({ fault: 'refused' })
})

test('a key that is none is refused before anything is asked', () => {
  const { privateKey: small } = generateKeyPairSync('ed25519', {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  for (const over of [{ privateKey: 'x' }, { privateKey: small }, { appId: 'a b' }, { installationId: 'x' }]) {
    expect(() => clientWith(over)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  }
  expect(forge.asked).toEqual([])
})
