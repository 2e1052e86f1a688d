import { RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ForgeWorld, said } from '../../../test/forge-world.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { readAllowed } from '../../platform/outbound-rules.ts'

const { STARTED, TAKEN } = RepositoryDeliveryResult

let world: ForgeWorld

beforeAll(async () => {
  world = await ForgeWorld.start({
    files: { 'ansflow.yaml': 'name: build\non: { push: {} }\nsteps: { one: { run: "true" } }\n' },
    controller: { file: true, config: { outboundAllowed: readAllowed('127.0.0.1') } },
  })
}, 60_000)
afterAll(() => world[Symbol.asyncDispose]())

test('a controller that is stopped at work leaves the delivery to the next, which starts its runs once', async () => {
  const before = world.head()
  const after = world.commit('a', 'a\n')
  world.git.instead = () => true
  const asked = world.git.asked.length
  const answer = await world.sendPush(before, after)
  await waitFor(() => world.git.asked.length > asked)
  await world.controller.restart()
  expect((await world.read(answer.body.delivery!)).delivery).toMatchObject({ result: TAKEN })
  world.git.instead = undefined
  const delivery = await world.decided(answer)
  expect(delivery).toMatchObject({ result: STARTED, commit: after })
  expect((await world.runs()).map(({ id }) => id)).toEqual(delivery.decisions.map(({ runId }) => runId))
})

test('a git server that is away is tried again, and that is said until it is there', async () => {
  const before = world.head()
  const after = world.commit('b', 'b\n')
  world.git.instead = (_, response) => {
    response.writeHead(503).end()
    return true
  }
  const answer = await world.sendPush(before, after)
  const waiting = await waitFor(async () => {
    const { delivery } = await world.read(answer.body.delivery!)
    return delivery!.problem === '' ? undefined : delivery
  })
  expect(waiting).toMatchObject({ result: TAKEN, problemInfo: { code: 'delivery_unread' } })
  expect((await world.repository()).readProblem).not.toBe('')
  world.git.instead = undefined
  expect(await world.decided(answer)).toMatchObject({ result: STARTED, problem: '', commit: after })
  expect((await world.repository()).readProblem).toBe('')
})

test('deliveries that come at once are each worked off once', async () => {
  const known = (await world.runs()).length
  const commits = [world.head(), world.commit('c', 'c\n'), world.commit('d', 'd\n'), world.commit('e', 'e\n')]
  const pushes = commits.slice(1).map((after, i) => world.sendPush(commits[i]!, after))
  const same = [1, 2, 3].map(() =>
    world.sendPush(commits[2]!, commits[3]!, 'refs/heads/main', { 'x-github-delivery': 'same' }),
  )
  const answers = await Promise.all([...pushes, ...same])
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 202, 202, 202, 202])
  const ids = [...new Set(answers.map(({ body }) => body.delivery!))]
  expect(ids).toHaveLength(4)
  for (const id of ids) {
    const delivery = await world.decided({ status: 202, body: { delivery: id } })
    expect(said(delivery)).toEqual({ build: 'started' })
  }
  expect(await world.runs()).toHaveLength(known + 4)
})

test('a repository that is disconnected takes its deliveries and its hook along', async () => {
  const { repositoryId } = world
  await world.owner.client(RepositoryService).disconnectRepository({ repositoryId })
  expect(world.forge.hooks).toEqual([])
  const rows = await world.controller.db.em().getConnection().execute('select count(*) as n from repository_delivery')
  expect(rows).toEqual([{ n: 0 }])
})
