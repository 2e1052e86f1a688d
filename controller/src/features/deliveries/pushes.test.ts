import { RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ForgeWorld, said, zeros } from '../../../test/forge-world.ts'
import { waitFor } from '../../../test/wait-for.ts'

const { STARTED, NOTHING, REFUSED } = RepositoryDeliveryResult
const step = 'steps: { one: { run: "true" } }\n'

let world: ForgeWorld

beforeAll(async () => {
  world = await ForgeWorld.start({
    files: {
      'ansflow.yaml': `name: build\non: { push: { branches: ['**'], tags: ['v*'] } }\n${step}`,
      '.ansflow/docs.yml': `name: docs\non: { push: { branches: [main], paths: ['docs/**'] } }\n${step}`,
    },
  })
}, 60_000)
afterAll(() => world[Symbol.asyncDispose]())

test('a hook is set up at the forge with the address of the repository and a secret of its own', async () => {
  const { hook } = await world.repository()
  expect(hook).toMatchObject({ managed: true, problem: '', path: `/hooks/repositories/${world.repositoryId}` })
  expect(world.forge.hooks).toMatchObject([{ repository: 'acme/shop', url: world.controller.url + hook!.path }])
  expect(world.secret).toMatch(/^afr_.{32,}$/)
})

test('a push starts what its files say, once however often it is sent', async () => {
  const before = world.head()
  const after = world.commit('docs/a.md', 'a\n')
  const headers = { 'x-github-delivery': 'first' }
  const answer = await world.sendPush(before, after, 'refs/heads/main', headers)
  expect(answer.status).toBe(202)
  const delivery = await world.decided(answer)
  expect(delivery).toMatchObject({
    result: STARTED,
    name: 'first',
    event: 'push',
    ref: 'main',
    commit: after,
    sender: 'ann',
  })
  expect(said(delivery)).toEqual({ build: 'started', docs: 'started' })
  const again = await world.sendPush(before, after, 'refs/heads/main', headers)
  expect(again).toEqual({ status: 200, body: { delivery: delivery.id, skipped: 'again' } })
  const runs = await world.runs()
  expect(runs).toHaveLength(2)
  for (const run of runs) {
    expect(run.origin!.cause).toMatchObject({ case: 'webhook', value: { deliveryId: delivery.id, sender: 'ann' } })
    expect(run.origin!.git).toMatchObject({
      repositoryId: world.repositoryId,
      repositoryName: 'acme/shop',
      repository: `${world.git.url}/acme/shop.git`,
      ref: 'refs/heads/main',
      branch: 'main',
      commit: after,
      before,
      baseCommit: before,
      event: 'push',
      action: 'updated',
      changedCount: 1,
      message: 'change docs/a.md',
      author: 'T <t@localhost>',
    })
  }
})

test('what signs a delivery is seen by nobody afterwards', async () => {
  const [delivery] = await world.deliveries()
  const { headers, body, bodyCut } = await world.read(delivery!.id)
  const shown = new Map(headers.map(({ name, value }) => [name, value]))
  expect(shown.get('x-github-event')).toBe('push')
  expect(shown.get('x-hub-signature-256')).toMatch(/^sha256=•{8}[0-9a-f]{4}$/)
  expect(JSON.parse(body)).toMatchObject({ ref: 'refs/heads/main' })
  expect(bodyCut).toBe(false)
})

test('what is not signed rightly, is of nobody here or too large is refused and not kept', async () => {
  const known = (await world.deliveries()).length
  const wrong = await world.sendPush(zeros, world.head(), 'refs/heads/main', { 'x-hub-signature-256': 'sha256=00' })
  expect(wrong.status).toBe(401)
  const [refused, ...others] = await world.deliveries()
  expect(others).toHaveLength(known)
  expect(refused).toMatchObject({ result: REFUSED, decisions: [], problemInfo: { code: 'delivery_signature' } })
  expect((await world.read(refused!.id)).body).toBe('')
  const { hook } = await world.repository()
  expect(hook).toMatchObject({ refused: 1, lastRefusedAt: refused!.receivedAt })

  expect((await world.post('{}', {}, '01890000-0000-7000-8000-000000000000')).status).toBe(404)
  const large = new Uint8Array(8 * 1024 * 1024 + 1).fill(32)
  expect((await world.post(large, { 'x-github-event': 'push' })).status).toBe(413)
  expect(await world.deliveries()).toHaveLength(known + 1)
})

test('what says nothing of this repository starts nothing, with why', async () => {
  const other = await world.decided(await world.send('ping', { repository: { full_name: 'acme/other' } }))
  expect(other).toMatchObject({ result: NOTHING, problemInfo: { code: 'delivery_other' } })
  const ping = await world.decided(await world.send('ping', {}))
  expect(ping).toMatchObject({ result: NOTHING, problemInfo: { code: 'delivery_ping' } })
  const unknown = await world.decided(await world.send('star', { action: 'created' }))
  expect(unknown).toMatchObject({ result: NOTHING, problemInfo: { code: 'delivery_unknown' } })
  const lacking = await world.decided(await world.send('push', { ref: 7 }))
  expect(lacking).toMatchObject({ result: NOTHING, problemInfo: { code: 'delivery_incomplete' } })
  const gone = await world.pushed(zeros, 'ab'.repeat(20))
  expect(gone).toMatchObject({ result: NOTHING, problemInfo: { code: 'delivery_moved' } })
})

test('branches that come, go and are rewritten, and tags', async () => {
  const { origin } = world
  const main = world.head()
  origin.git('checkout', '--quiet', '-b', 'fast')
  const first = world.commit('code.c', 'int a;\n')
  const made = await world.pushed(zeros, first, 'refs/heads/fast')
  expect(said(made)).toEqual({ build: 'started', docs: 'gate_branch' })
  const [run] = await world.runs()
  expect(run!.origin!.git).toMatchObject({
    action: 'created',
    branch: 'fast',
    before: '',
    baseCommit: main,
    changedCount: 1,
  })

  origin.git('commit', '--quiet', '--amend', '-m', 'otherwise')
  origin.git('push', '--quiet', '--force', 'origin', 'fast')
  const forced = await world.pushed(first, world.head(), 'refs/heads/fast')
  expect(said(forced)).toMatchObject({ build: 'started' })
  expect((await world.runs())[0]!.origin!.git).toMatchObject({ before: first, baseCommit: main, message: 'otherwise' })

  origin.git('commit', '--quiet', '--allow-empty', '-m', 'Nothing of it [skip ci]')
  origin.git('push', '--quiet', 'origin', 'fast')
  const skipped = await world.pushed(forced.commit, world.head(), 'refs/heads/fast')
  expect(said(skipped)).toMatchObject({ build: 'gate_skip' })
  expect(skipped.result).toBe(NOTHING)

  const last = world.head()
  origin.git('push', '--quiet', 'origin', ':fast')
  const deleted = await world.pushed(last, zeros, 'refs/heads/fast')
  expect(deleted).toMatchObject({ result: NOTHING, ref: 'fast', decisions: [], problemInfo: { code: 'gate_deleted' } })

  origin.git('checkout', '--quiet', 'main')
  origin.git('tag', '-a', 'v1.0', '-m', 'One')
  origin.git('push', '--quiet', 'origin', 'v1.0')
  const tagged = await world.pushed(zeros, main, 'refs/tags/v1.0')
  expect(said(tagged)).toEqual({ build: 'started', docs: 'gate_tags_none' })
  expect((await world.runs())[0]!.origin!.git).toMatchObject({ event: 'tag', tag: 'v1.0', branch: '', commit: main })
})

test('a file that is wrong, or has the name of another pipeline, holds up none of the others', async () => {
  await world.keep(`name: kept\non: { push: { branches: [main] } }\n${step}`)
  const before = world.head()
  world.commit('.ansflow/broken.yaml', 'name: broken\nsteps: { one: { rum: "true" } }\n')
  world.commit('.ansflow/twice.yaml', `name: kept\non: { push: {} }\n${step}`)
  const asks = 'on: { push: { inputs: { must: "${{ git.author }}" } } }\ninputs: { must: { type: number, default: 5 } }'
  world.commit('.ansflow/asks.yaml', `name: asks\n${asks}\n${step}`)
  const delivery = await world.pushed(before, world.head())
  expect(said(delivery)).toEqual({
    asks: 'delivery_input',
    build: 'started',
    docs: 'gate_paths',
    '.ansflow/broken.yaml': 'delivery_file',
    '.ansflow/twice.yaml': 'delivery_name',
    kept: 'started',
  })
  const kept = delivery.decisions.find(({ pipelineName }) => pipelineName === 'kept')
  expect(kept!.path).toBe('')
  // Whoever pushed it sees so beside the commit.
  const told = () => world.forge.statuses.filter(({ commit, state }) => commit === world.head() && state === 'failure')
  await waitFor(() => told().length === 3)
  expect(told().find(({ name }) => name === 'ansflow/asks')!.description).toContain('must')
  const [broken] = told().filter(({ name }) => name === 'ansflow/.ansflow/broken.yaml')
  expect(broken!.description).toContain('rum')
  expect(broken!.url).toContain(`/repositories/${world.repositoryId}/commits/${world.head()}`)
})

test('what is delivered again starts further runs', async () => {
  const known = (await world.runs()).length
  const first = (await world.deliveries()).find(({ name }) => name === 'first')!
  const { delivery } = await world.again(first.id)
  const repeated = await world.decided({ status: 200, body: { delivery: delivery!.id } })
  expect(repeated).toMatchObject({ result: STARTED, repeats: first.id, name: '' })
  expect(said(repeated)).toMatchObject({ build: 'started', docs: 'started' })
  const starts = repeated.decisions.filter(({ runId }) => runId !== '')
  expect((await world.runs()).length).toBe(known + starts.length)
  const refused = (await world.deliveries()).find(({ result }) => result === REFUSED)!
  await expect(world.again(refused.id)).rejects.toThrow('signature')
})
