// Connections that cannot be made say why in words of their own, and one that lets nobody in any more says so from then on.
import { ConnectionService, ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { ErrorInfoSchema } from '@ansflow/proto/gen/ansflow/v1/errors_pb'
import { ConnectError } from '@connectrpc/connect'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startController, type TestController } from '../../../test/start-controller.ts'
import { readAllowed } from '../../platform/outbound-rules.ts'
import type { FakeForge } from './test/fake-forge.ts'
import { fakeForges } from './test/fake-forges.ts'

const token = 'the-right-token'
let c: TestController
let projectId: string
let gitlab: FakeForge
beforeAll(async () => {
  c = await startController({ config: { outboundAllowed: readAllowed('127.0.0.1') } })
  projectId = await c.addProject()
  gitlab = await fakeForges.get(ForgeKind.GITLAB)!(token)
})
afterAll(async () => {
  await gitlab?.close()
  await c?.[Symbol.asyncDispose]()
})

function make(kind: ForgeKind, url: string) {
  const credentials = { kind: { case: 'token' as const, value: { user: '', token } } }
  return c.as(c.owner).client(ConnectionService).createConnection({ projectId, name: 'forge', kind, url, credentials })
}

test.each([
  ['an address that is not public', ForgeKind.GITEA, () => 'http://10.0.0.1', 'forge_not_public', { host: '10.0.0.1' }],
  [
    'a host that is not there',
    ForgeKind.GITEA,
    () => 'http://no.such.invalid',
    'forge_unknown_host',
    { host: 'no.such.invalid' },
  ],
  [
    'a port at which nobody listens',
    ForgeKind.GITEA,
    () => 'http://127.0.0.1:1',
    'forge_unconnected',
    { host: '127.0.0.1:1' },
  ],
  ['a forge of another kind', ForgeKind.GITEA, () => gitlab.url, 'forge_elsewhere', { forge: 'Gitea' }],
  [
    'the page of a repository',
    ForgeKind.GITLAB,
    () => `${gitlab.url}/acme/shop`,
    'forge_elsewhere',
    { forge: 'GitLab' },
  ],
])('%s is said to be that', async (_, kind, url, reason, params) => {
  const error = await make(kind, url()).then(
    () => undefined,
    (refused: unknown) => ConnectError.from(refused),
  )
  expect(error?.findDetails(ErrorInfoSchema)[0]).toMatchObject({ reason, params: expect.objectContaining(params) })
})

test('a test that fails is kept as the health of the connection, until one succeeds', async () => {
  const connections = c.as(c.owner).client(ConnectionService)
  const connectionId = (await make(ForgeKind.GITLAB, gitlab.url)).connection!.id
  const listed = async () =>
    (await connections.listConnections({ projectId })).connections.find(({ id }) => id === connectionId)
  gitlab.fault = { status: 401, body: { message: 'Token is expired' } }
  const said = 'GitLab answered 401: Token is expired'
  expect((await connections.testConnection({ connectionId })).connection).toMatchObject({ problem: said })
  expect(await listed()).toMatchObject({ problem: said, account: 'ann' })
  gitlab.fault = undefined
  expect((await connections.testConnection({ connectionId })).connection).toMatchObject({ problem: '' })
  expect(await listed()).toMatchObject({ problem: '' })
})

test('what is no key of a server is refused at once, not when git first goes there', async () => {
  const privateKey = '-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END OPENSSH PRIVATE KEY-----'
  const connections = c.as(c.owner).client(ConnectionService)
  const keyed = (name: string, knownHosts: string) =>
    connections.createConnection({
      ...{ projectId, name, kind: ForgeKind.GIT, url: 'ssh://git@127.0.0.1/srv' },
      credentials: { kind: { case: 'sshKey', value: { privateKey, knownHosts } } },
    })
  const key = `AAAAC3NzaC1lZDI1NTE5AAAA${'I'.repeat(40)}`
  for (const wrong of ['x', 'git.example.org', `ssh-ed25519 ${key}`, `127.0.0.1 ssh-ed25519 ${key}\nnothing`]) {
    await expect(keyed('wrong', wrong)).rejects.toThrow('ssh-keyscan')
  }
  const right = `# 127.0.0.1:22 SSH-2.0\n[127.0.0.1]:22 ssh-ed25519 ${key}\n@cert-authority *.example.org ssh-rsa ${key}== of us\n`
  expect((await keyed('right', right)).connection).toMatchObject({ name: 'right' })
})
