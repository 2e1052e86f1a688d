// What strangers and broken forges send: bodies without an end, wrong signatures, odd names, enormous pushes, and addresses of what
// only this host may reach.
import { execFileSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { request } from 'node:http'
import { gzipSync } from 'node:zlib'
import { ConnectionService, ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { type RepositoryDelivery, RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answered, ForgeWorld, said, zeros } from '../../../test/forge-world.ts'
import { waitFor } from '../../../test/wait-for.ts'

const { STARTED, NOTHING } = RepositoryDeliveryResult
const mebibyte = 1024 * 1024
const step = 'steps: { one: { run: "true" } }\n'

let world: ForgeWorld

beforeAll(async () => {
  world = await ForgeWorld.start({
    files: {
      'ansflow.yaml': `name: build\non: { push: { branches: ['**'] } }\n${step}`,
      '.ansflow/last.yml': `name: last\non: { push: { paths: ['many/99/99999.txt'] } }\n${step}`,
      '.ansflow/none.yml': `name: none\non: { push: { paths: ['many/100/100000.txt'] } }\n${step}`,
    },
  })
}, 60_000)
afterAll(() => world[Symbol.asyncDispose]())

function signed(body: string | Buffer, secret = world.secret): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
}

/** Also of what cannot be explained. */
function outcome({ body }: Answered): Promise<RepositoryDelivery> {
  return waitFor(async () => {
    const { delivery } = await world.read(body.delivery!)
    return delivery!.result === RepositoryDeliveryResult.TAKEN ? undefined : delivery
  }, 20_000)
}

/** Sends until it is answered or all is sent; answers the status and how much was taken. */
async function stream(headers: Record<string, string>, bytes: number): Promise<{ status: number; sent: number }> {
  const to = request(`${world.controller.url}/hooks/repositories/${world.repositoryId}`, { method: 'POST', headers })
  let sent = 0
  const answered = new Promise<number>((resolve, reject) => {
    to.on('response', (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    to.on('error', reject)
  })
  let isAnswered = false
  const done = answered.finally(() => {
    isAnswered = true
  })
  done.catch(() => {
    // Awaited below.
  })
  const part = Buffer.alloc(64 * 1024, 32)
  while (sent < bytes && !isAnswered) {
    const taken = new Promise<void>((resolve) => to.write(part, () => resolve()))
    await Promise.race([taken, done.catch(() => 0)])
    sent += part.length
  }
  to.end()
  const status = await done
  to.destroy()
  return { status, sent }
}

test('a body of 25 MB is not taken, whether it says so or not', async () => {
  const known = (await world.deliveries()).length
  const headers = { 'content-type': 'application/json', 'x-github-event': 'push', 'x-hub-signature-256': signed('') }
  const said = await stream({ ...headers, 'content-length': String(25 * mebibyte) }, 0)
  expect(said).toEqual({ status: 413, sent: 0 })
  const unsaid = await stream({ ...headers, 'transfer-encoding': 'chunked' }, 25 * mebibyte)
  expect(unsaid.status).toBe(413)
  expect(unsaid.sent).toBeLessThan(16 * mebibyte)
  expect(await world.deliveries()).toHaveLength(known)
})

test('a packed body is not unpacked', async () => {
  const packed = gzipSync(Buffer.alloc(64 * mebibyte, 32))
  const headers = { 'x-github-event': 'push', 'content-encoding': 'gzip', 'x-hub-signature-256': signed(packed) }
  const delivery = await outcome(await world.post(new Uint8Array(packed), headers))
  expect(delivery).toMatchObject({ result: NOTHING, decisions: [], problemInfo: { code: 'delivery_json' } })
})

test('no other signature than the right one of exactly this body is taken', async () => {
  const known = (await world.deliveries()).length
  const body = JSON.stringify({ repository: { full_name: 'acme/shop' }, ref: 'refs/heads/main' })
  const right = signed(body)
  const sha1 = createHmac('sha1', world.secret).update(body).digest('hex')
  const wrong = [
    '',
    'sha256=',
    right.slice(0, -1),
    `${right}0`,
    `${right},${right}`,
    right.replace('sha256', 'sha1'),
    `sha1=${sha1}`,
    signed(`${body} `),
    signed(body, ''),
    signed(body, `${world.secret} `),
  ]
  for (const signature of wrong) {
    const headers = { 'x-github-event': 'push', ...(signature === '' ? {} : { 'x-hub-signature-256': signature }) }
    expect([signature, (await world.post(body, headers)).status]).toEqual([signature, 401])
  }
  // What signs it for another forge signs nothing here.
  for (const name of ['x-hub-signature', 'x-gitlab-token', 'x-gitea-signature', 'x-gitee-token']) {
    for (const value of [world.secret, right.slice('sha256='.length), `sha1=${sha1}`]) {
      expect([name, (await world.post(body, { 'x-github-event': 'push', [name]: value })).status]).toEqual([name, 401])
    }
  }
  const noted = (await world.deliveries()).length - known
  expect(noted).toBeGreaterThan(0)
  // As many as one can look at; a flood of them is no flood of rows.
  expect(noted).toBeLessThan(wrong.length + 12)
})

test('a name that was sent before is known, whatever comes with it', async () => {
  const headers = { 'x-github-delivery': 'one-name' }
  const first = await world.send('ping', {}, headers)
  expect(first.status).toBe(202)
  const again = await world.sendPush(zeros, world.head(), 'refs/heads/main', headers)
  expect(again).toEqual({ status: 200, body: { delivery: first.body.delivery, skipped: 'again' } })
})

test('bodies that are no event say so', async () => {
  const bodies: (string | Buffer)[] = [
    '',
    '[]',
    'null',
    '7',
    '{"ref":',
    '['.repeat(100_000),
    `{"a":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`,
    '{"__proto__":{"ref":"refs/heads/main"},"constructor":1}',
    Buffer.from([0xff, 0xfe, 0x00, 0x7b]),
    Buffer.concat([Buffer.from('{"ref":"refs/heads/'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]),
  ]
  for (const body of bodies) {
    const headers = { 'x-github-event': 'push', 'x-hub-signature-256': signed(body) }
    const answer = await world.post(typeof body === 'string' ? body : new Uint8Array(body), headers)
    const shown = body.toString('latin1').slice(0, 40)
    expect([shown, answer.status]).toEqual([shown, 202])
    const delivery = await outcome(answer)
    expect([shown, delivery.result, delivery.decisions]).toEqual([shown, NOTHING, []])
    expect([shown, delivery.problemInfo?.code]).not.toEqual([shown, ''])
  }
})

test('odd names of branches are names and nothing else', async () => {
  const names = [
    '--upload-pack=touch hacked'.replace(' ', '\u00a0'),
    '-x',
    '$(touch${IFS}hacked)',
    'quote\'"`;&|<>',
    'f/ü-☃-分支-🚀',
    '%2e%2e/%00',
    'refs/heads/main',
    'HEAD',
    `long/${'n'.repeat(200)}`,
  ]
  for (const name of names) {
    const ref = `refs/heads/${name}`
    world.origin.git('push', '--quiet', 'origin', `HEAD:${ref}`)
    const delivery = await world.pushed(zeros, world.head(), ref)
    expect([name, delivery.result, said(delivery).build]).toEqual([name, STARTED, 'started'])
    const runId = delivery.decisions.find(({ pipelineName }) => pipelineName === 'build')!.runId
    const run = (await world.runs()).find(({ id }) => id === runId)!
    expect(run.origin!.git).toMatchObject({ ref, branch: name, commit: world.head() })
    world.origin.git('push', '--quiet', 'origin', '--delete', ref)
  }
  // What git takes for no name is no event.
  for (const ref of ['refs/heads/a..b', 'refs/heads/a b', 'refs/heads/', 'refs/heads/a\u0000b', '../main', 'main']) {
    const delivery = await world.pushed(zeros, world.head(), ref)
    expect([ref, delivery.result, delivery.decisions]).toEqual([ref, NOTHING, []])
  }
}, 60_000)

test('of a push with 100,000 files, each counts', async () => {
  const before = world.head()
  const input = [
    'blob\nmark :1\ndata 1\nx\n',
    `commit refs/heads/main\ncommitter T <t@localhost> 1700000000 +0000\ndata 4\nmany\nfrom ${before}\n`,
  ]
  for (let n = 0; n < 100_000; n += 1) input.push(`M 100644 :1 many/${n % 300}/${n}.txt\n`)
  execFileSync('git', ['fast-import', '--quiet'], { cwd: world.origin.path, input: input.join('') })

  const after = execFileSync('git', ['rev-parse', 'main'], { cwd: world.origin.path, encoding: 'utf8' }).trim()
  const delivery = await world.pushed(before, after)
  expect(said(delivery)).toMatchObject({ build: 'started', last: 'started', none: 'gate_paths' })
  const [run] = await world.runs()
  expect(run!.origin!.git).toMatchObject({ commit: after, changedCount: 100_000 })
}, 60_000)

test('addresses that only this host reaches are no forges and no repositories', async () => {
  const connections = world.owner.client(ConnectionService)
  const { projectId } = world
  const token = { kind: { case: 'token' as const, value: { user: '', token: 'x' } } }
  const kinds = [ForgeKind.GITHUB, ForgeKind.GITLAB, ForgeKind.GITEA, ForgeKind.BITBUCKET, ForgeKind.GITEE]
  const hosts = ['169.254.169.254', '10.0.0.1', '[::1]', '[::ffff:10.0.0.1]', '0x0a000001', '2130706434', '0.0.0.0']
  for (const kind of kinds) {
    for (const host of hosts) {
      const name = `${ForgeKind[kind]} ${host}`
      const asked = { projectId, name, kind, url: `http://${host}/`, credentials: token }
      const answer = await connections.createConnection(asked).then(
        async ({ connection }) => {
          const { connectionId, ...tested } = { connectionId: connection!.id, problem: '' }
          return connections.testConnection({ connectionId }).then(
            (result) => JSON.stringify({ ...tested, ...result }),
            (error: unknown) => String(error),
          )
        },
        (error: unknown) => String(error),
      )
      expect([name, answer]).toEqual([name, expect.stringMatching(/is not a public address|invalid_argument/)])
    }
  }
})
