// What is pasted was signed by nobody: explaining it costs the forge nothing, and brings nothing into the copy that no delivery told of.
import { type ExplainEventRequest, RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ForgeWorld, happened } from '../../../test/forge-world.ts'
import { pull } from '../forges/test/fake-records.ts'

const { STARTED, NOTHING, WAITS } = RepositoryDeliveryResult
const untouched = { ...pull }

let world: ForgeWorld
/** Of pull requests 7 and 12, by no branch. */
let seventh = ''
let twelfth = ''

beforeAll(async () => {
  const files = {
    'ansflow.yaml': 'name: build\non: { pullRequest: {}, comment: [run] }\nsteps: { one: { run: "true" } }\n',
  }
  world = await ForgeWorld.start({ files })
  const { origin } = world
  origin.git('checkout', '--quiet', '-b', 'fast')
  seventh = world.write('code.c', 'int a;\n')
  twelfth = world.write('code.c', 'int b;\n')
  origin.git('push', '--quiet', 'origin', `${seventh}:refs/pull/7/head`, `${twelfth}:refs/pull/12/head`)
  origin.git('checkout', '--quiet', 'main')
  Object.assign(pull, { head: seventh })
}, 60_000)
afterAll(() => {
  Object.assign(pull, untouched)
  return world[Symbol.asyncDispose]()
})

const requestOf = (number: number, commit: string) => ({
  action: 'opened',
  number,
  pull_request: {
    number,
    title: 'Faster checkout',
    html_url: `${world.forge.url}/acme/shop/pull/${number}`,
    draft: false,
    merged: false,
    labels: [],
    user: { login: 'ann' },
    head: { ref: 'fast', sha: commit, repo: { full_name: 'acme/shop' } },
    base: { ref: 'main', sha: world.head(), repo: { full_name: 'acme/shop' } },
  },
})
const commentOf = (number: number, login: string) => ({
  action: 'created',
  issue: { number, pull_request: {} },
  comment: { body: '/ansflow run', user: { login } },
})

function pasted(event: string, said: object): ExplainEventRequest['event'] {
  const body = JSON.stringify({ repository: { full_name: 'acme/shop' }, sender: { login: 'ann' }, ...said })
  return { case: 'pasted', value: { $typeName: 'ansflow.v1.PastedEvent', event, body } }
}

/** What the forge was asked about people and pull requests. */
const questions = () =>
  world.forge.asked.filter(({ method, path }) => method === 'GET' && /\/(pulls|collaborators)\//.test(path)).length

test('a ref is fetched once a delivery has told of it', async () => {
  const request = pasted('pull_request', requestOf(12, twelfth))
  const untold = { result: NOTHING, ref: '#12', commit: twelfth, why: 'delivery_untold', said: {} }
  expect(await world.explained(request)).toMatchObject(untold)
  // The copy has not got it.
  const commit = { $typeName: 'ansflow.v1.PushedState' as const, branch: '', tag: '', commit: twelfth }
  await expect(world.explain({ case: 'pushed', value: commit })).rejects.toThrow('commit')
  const delivery = await world.decided(await world.send('pull_request', requestOf(12, twelfth)))
  expect(delivery).toMatchObject({ result: STARTED })
  expect(await world.explained(request)).toEqual(happened(delivery))
})

test('the forge is asked about a comment that was delivered, and not about one that was pasted', async () => {
  const by = (login: string, number = 7) => world.explained(pasted('issue_comment', commentOf(number, login)))
  const before = questions()
  expect(await by('ann')).toMatchObject({ result: NOTHING, why: 'delivery_untold', said: {} })
  await world.decided(await world.send('pull_request', requestOf(7, seventh)))
  for (const login of ['ann', 'mallory']) {
    const { events } = await world.explain(pasted('issue_comment', commentOf(7, login)))
    expect(events).toMatchObject([{ result: STARTED, commit: seventh, problemInfo: { params: { sender: login } } }])
    expect(await by(login)).toMatchObject({ result: STARTED, why: 'delivery_assumed', said: { build: 'started' } })
  }
  expect(questions()).toBe(before)

  const delivered = await world.decided(await world.send('issue_comment', commentOf(7, 'mallory')))
  expect(delivered).toMatchObject({ result: NOTHING, problemInfo: { code: 'delivery_comment' } })
  expect(questions()).toBeGreaterThan(before)
  // Nor does whoever reads the explanation again and again spend the connection's calls.
  const asked = questions()
  for (let times = 0; times < 3; times++) {
    expect(await world.explained({ case: 'deliveryId', value: delivered.id })).toEqual(happened(delivered))
  }
  expect(questions()).toBe(asked)
  const ours = await world.decided(await world.send('issue_comment', commentOf(7, 'ann')))
  // And what it says counts, also of where the request comes from.
  expect(ours).toMatchObject({ result: WAITS, problemInfo: { code: 'delivery_fork' } })
})
