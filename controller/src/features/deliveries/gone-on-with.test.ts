// What a controller leaves that dies over a delivery, and what becomes of that when others have moved or approved its commit meanwhile.
import { DeliveryService, RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { ForkPolicy, RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answered, ForgeWorld, said } from '../../../test/forge-world.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { readAllowed } from '../../platform/outbound-rules.ts'
import type { StatementTap } from '../../platform/statement-tap.ts'
import { RepositoryDeliveryEntity } from './delivery.entity.ts'

const { STARTED, TAKEN, FAILED } = RepositoryDeliveryResult
const fileOf = (name: string) => `name: ${name}\non: { pullRequest: {} }\nsteps: { one: { run: "true" } }\n`

let world: ForgeWorld
/** The statement at which everything ends, and how many of them are made before. */
let end: { at: RegExp; after: number } | undefined
const statementTap: StatementTap = (sql, run) => {
  if (!end?.at.test(sql) || end.after-- > 0) return run()
  end = undefined
  return Promise.reject(new Error('this is where it died'))
}

beforeAll(async () => {
  world = await ForgeWorld.start({
    files: { 'ansflow.yaml': fileOf('build'), '.ansflow/other.yaml': fileOf('other') },
    controller: { config: { outboundAllowed: readAllowed('127.0.0.1') }, overrides: { statementTap } },
  })
}, 60_000)
afterAll(() => world[Symbol.asyncDispose]())

function request(number: number, commit: string, from: string, at: number) {
  const pull_request = {
    number,
    updated_at: new Date(Date.UTC(2031, 0) + at * 1000).toISOString(),
    title: 'Faster checkout',
    html_url: `${world.forge.url}/acme/shop/pull/${number}`,
    labels: [],
    user: { login: 'mallory' },
    head: { ref: 'fast', sha: commit, repo: { full_name: from } },
    base: { ref: 'main', sha: world.head(), repo: { full_name: 'acme/shop' } },
  }
  return world.send('pull_request', { action: at === 0 ? 'opened' : 'synchronize', number, pull_request })
}

/** Beside main, as the head of the pull request. */
function commitTo(number: number, text: string): string {
  const { origin } = world
  origin.git('checkout', '--quiet', '-B', `request-${number}`)
  const commit = world.write('code.c', text)
  origin.git('push', '--quiet', '--force', 'origin', `HEAD:refs/pull/${number}/head`)
  origin.git('checkout', '--quiet', 'main')
  return commit
}

const rows = () => world.controller.db.em()
const read = async ({ body }: Answered) => (await world.read(body.delivery!)).delivery!
const ended = (answer: Answered) =>
  waitFor(async () => {
    const delivery = await read(answer)
    return delivery.result === TAKEN ? undefined : delivery
  }, 20_000)

/** Nobody goes on with it until then. */
async function died(answer: Answered): Promise<() => Promise<unknown>> {
  const id = answer.body.delivery!
  const row = () => rows().findOneOrFail(RepositoryDeliveryEntity, { id })
  await waitFor(async () => (await row()).attempts === 1, 20_000)
  await rows().nativeUpdate(RepositoryDeliveryEntity, { id }, { nextAt: new Date(Date.now() + 3_600_000) })
  expect(await row()).toMatchObject({ result: TAKEN })
  return () => rows().nativeUpdate(RepositoryDeliveryEntity, { id }, { nextAt: new Date() })
}

test('what it has begun is told, though the request stands elsewhere by then', async () => {
  const first = commitTo(3, 'int a;\n')
  end = { at: /^update .repository_delivery. set .result./, after: 0 }
  const answer = await request(3, first, 'acme/shop', 0)
  const goOn = await died(answer)
  const begun = await world.runs()
  expect(begun).toHaveLength(2)
  const second = commitTo(3, 'int b;\n')
  expect(await ended(await request(3, second, 'acme/shop', 20))).toMatchObject({ result: STARTED, commit: second })
  await goOn()
  const delivery = await ended(answer)
  expect(delivery).toMatchObject({ result: STARTED, ref: '#3', commit: first, problem: '' })
  expect(said(delivery)).toEqual({ build: 'started', other: 'started' })
  expect(delivery.decisions.map(({ runId }) => runId).sort()).toEqual(begun.map(({ id }) => id).sort())
  expect(await world.runs()).toHaveLength(4)
})

test('what it has not begun does not begin where the request stands elsewhere, and that is said of it', async () => {
  const { repositoryId } = world
  await world.owner.client(RepositoryService).updateRepository({ repositoryId, forks: ForkPolicy.WITHOUT_SECRETS })
  const first = commitTo(4, 'int c;\n')
  end = { at: /^insert into .run. /, after: 1 }
  const answer = await request(4, first, 'mallory/shop', 0)
  const goOn = await died(answer)
  const second = commitTo(4, 'int d;\n')
  await ended(await request(4, second, 'mallory/shop', 20))
  const before = await world.runs()
  await goOn()
  const delivery = await ended(answer)
  expect(delivery).toMatchObject({ result: STARTED, commit: first, untrusted: true })
  expect(Object.values(said(delivery)).sort()).toEqual(['delivery_moved', 'started'])
  expect(await world.runs()).toHaveLength(before.length)
})

test('what was planned without trust is finished so, and an approved commit runs with trust once more', async () => {
  const { repositoryId } = world
  const commit = commitTo(5, 'int e;\n')
  end = { at: /^insert into .run. /, after: 1 }
  const answer = await request(5, commit, 'mallory/shop', 0)
  const goOn = await died(answer)
  await world.owner.client(DeliveryService).trustCommit({ repositoryId, pullRequest: 5, commit })
  await goOn()
  const delivery = await ended(answer)
  expect(delivery).toMatchObject({ result: STARTED, commit, untrusted: true })
  const ofCommit = async () => (await world.runs()).filter(({ origin }) => origin!.git!.commit === commit)
  await waitFor(async () => (await ofCommit()).length === 4, 20_000)
  const runs = await ofCommit()
  const planned = delivery.decisions.map(({ runId }) => runId)
  for (const { id, origin } of runs) expect(origin!.untrusted).toBe(planned.includes(id))
  expect(runs.map(({ pipelineName }) => pipelineName).sort()).toEqual(['build', 'build', 'other', 'other'])
})

test('what is given up says which of its runs have begun', async () => {
  const commit = commitTo(7, 'int g;\n')
  end = { at: /^insert into .run. /, after: 1 }
  const answer = await request(7, commit, 'acme/shop', 0)
  const goOn = await died(answer)
  await rows().nativeUpdate(RepositoryDeliveryEntity, { id: answer.body.delivery! }, { attempts: 11 })
  end = { at: /^insert into .run. /, after: 0 }
  const before = await world.runs()
  await goOn()
  const delivery = await ended(answer)
  expect(delivery).toMatchObject({ result: FAILED, problemInfo: { code: 'delivery_tired' } })
  expect(Object.values(said(delivery)).sort()).toEqual(['delivery_tired', 'started'])
  const [run] = delivery.decisions.filter(({ runId }) => runId !== '')
  expect(before.find(({ id }) => id === run!.runId)).toMatchObject({ number: run!.runNumber })
  expect(await world.runs()).toHaveLength(before.length)
})
