import { DeliveryService, RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { ForkPolicy, PullRequestState, RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ForgeWorld, said } from '../../../test/forge-world.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { pull } from '../forges/test/fake-records.ts'
import { RepositoryDeliveryEntity } from './delivery.entity.ts'
import { forgetOld } from './inbox.ts'

const { STARTED, NOTHING, WAITS } = RepositoryDeliveryResult
const step = 'steps: { one: { run: "true" } }\n'

let world: ForgeWorld
/** Of the fork. */
let head = ''

beforeAll(async () => {
  const files = { 'ansflow.yaml': `name: build\non: { pullRequest: {}, comment: [run] }\n${step}` }
  world = await ForgeWorld.start({ files })
}, 60_000)
afterAll(() => world[Symbol.asyncDispose]())

interface Request {
  number?: number
  action?: string
  commit: string
  from?: string
  branch?: string
  merged?: boolean
  /** Seconds from when they begin. */
  at?: number
}

function request({
  number = 7,
  action = 'opened',
  commit,
  from = 'mallory/shop',
  branch = 'fast',
  merged = false,
  at,
}: Request) {
  const pull_request = {
    number,
    ...(at !== undefined && { updated_at: new Date(Date.UTC(2031, 0) + at * 1000).toISOString() }),
    title: 'Faster checkout',
    html_url: `${world.forge.url}/acme/shop/pull/${number}`,
    draft: false,
    merged,
    labels: [{ name: 'speed' }],
    user: { login: 'mallory' },
    head: { ref: branch, sha: commit, repo: { full_name: from } },
    base: { ref: 'main', sha: world.head(), repo: { full_name: 'acme/shop' } },
  }
  return world.send('pull_request', { action, number, pull_request })
}

/** In the fork: the clone stands on main again afterwards. */
function commitToFork(path: string, text: string): void {
  const { origin } = world
  origin.git('checkout', '--quiet', '-B', 'theirs', head || 'main')
  head = world.write(path, text)
  origin.git('push', '--quiet', 'origin', 'HEAD:refs/pull/7/head')
  origin.git('checkout', '--quiet', 'main')
}

const pipelines = async () => {
  const { pipelines: found } = await world.owner.client(PipelineService).listPipelines({ projectId: world.projectId })
  return found.map(({ name }) => name).sort()
}
const trust = (commit: string) =>
  world.owner.client(DeliveryService).trustCommit({ repositoryId: world.repositoryId, pullRequest: 7, commit })
const shown = async (number = 7) => {
  const asked = { repositoryId: world.repositoryId, state: PullRequestState.UNSPECIFIED }
  const { pullRequests } = await world.owner.client(RepositoryService).listPullRequests(asked)
  return pullRequests.find((each) => each.number === number)
}

test('a pull request of the repository itself runs what its own commit says', async () => {
  const { origin } = world
  const main = world.head()
  origin.git('checkout', '--quiet', '-b', 'own')
  const commit = world.commit('code.c', 'int a;\n')
  origin.git('push', '--quiet', 'origin', 'HEAD:refs/pull/3/head')
  origin.git('checkout', '--quiet', 'main')
  const delivery = await world.decided(await request({ number: 3, commit, from: 'acme/shop', branch: 'own' }))
  expect(said(delivery)).toEqual({ build: 'started' })
  expect(delivery).toMatchObject({ result: STARTED, ref: '#3', commit })
  const [run] = await world.runs()
  expect(run!.origin!.git).toMatchObject({
    event: 'pull_request',
    action: 'opened',
    ref: 'refs/pull/3/head',
    branch: 'own',
    baseBranch: 'main',
    baseCommit: main,
    pullRequest: 3,
    commit,
    fork: false,
    headRepository: 'acme/shop',
    title: 'Faster checkout',
    labels: ['speed'],
    changedCount: 1,
  })
  expect(await shown(3)).toMatchObject({ fork: false, waitsForTrust: false, runs: [{ id: run!.id }] })
})

test('one from elsewhere waits, and nothing of its files is believed before somebody trusts its commit', async () => {
  commitToFork('.ansflow/evil.yaml', `name: evil\non: { pullRequest: {} }\n${step}`)
  commitToFork('ansflow.yaml', `name: worse\non: { pullRequest: {}, comment: [run] }\n${step}`)
  const known = (await world.runs()).length
  const asked = world.git.asked.length
  // Of the branch that most forks have.
  const opened = await world.decided(await request({ commit: head, branch: 'main' }))
  const labeled = await world.decided(await request({ commit: head, branch: 'main', action: 'labeled' }))
  for (const each of [opened, labeled]) {
    expect(each).toMatchObject({ result: WAITS, ref: '#7', commit: head, problemInfo: { code: 'delivery_fork' } })
    expect(each.decisions).toEqual([])
  }
  expect(await world.runs()).toHaveLength(known)
  expect(await pipelines()).toEqual(['build'])
  expect(world.git.asked).toHaveLength(asked)
  expect(await shown()).toMatchObject({ fork: true, waitsForTrust: true, headRepository: 'mallory/shop' })

  // Who looks at the forge sees it too.
  const saidOfApproval = () =>
    world.forge.statuses.find(({ name, commit }) => name === 'ansflow/approval' && commit === head)?.state
  await waitFor(async () => saidOfApproval() === 'pending')

  // A stranger's word is not waited for, and takes nobody else's place.
  const comment = { body: '/ansflow run', user: { login: 'mallory' } }
  const spoken = await world.send('issue_comment', {
    action: 'created',
    issue: { number: 7, pull_request: {} },
    comment,
  })
  expect(await world.decided(spoken)).toMatchObject({
    result: NOTHING,
    problemInfo: { code: 'delivery_comment' },
  })

  // Whatever has come since, what waits is there to be approved.
  const em = world.controller.db.em()
  const { name: _, ...row } = await em.findOneOrFail(RepositoryDeliveryEntity, { id: opened.id })
  const others = Array.from({ length: 150 }, () => ({ ...row, id: uuidv7(), name: null, result: NOTHING }))
  await em.insertMany(RepositoryDeliveryEntity, others)
  await forgetOld(em, world.repositoryId)
  expect(await em.count(RepositoryDeliveryEntity, { id: { $in: [opened.id, labeled.id] } })).toBe(2)
  expect(await em.nativeDelete(RepositoryDeliveryEntity, { id: { $in: others.map(({ id }) => id) } })).toBe(100)

  await expect(trust('ab'.repeat(20))).rejects.toThrow('stands at')
  expect(await shown()).toMatchObject({ waitsForTrust: true })
  await trust(head)
  const started = await world.decided({ status: 202, body: { delivery: opened.id } })
  expect(started).toMatchObject({ result: STARTED, problem: '' })
  expect(said(started)).toEqual({ evil: 'started', build: 'started' })
  const [run] = await world.runs()
  expect(run!.origin!.git).toMatchObject({ fork: true, commit: head, pullRequest: 7, headRepository: 'mallory/shop' })
  await waitFor(async () => saidOfApproval() === 'success')
  // It says nothing of the branch here that is called the same.
  const { branches } = await world.owner.client(RepositoryService).listBranches({ repositoryId: world.repositoryId })
  expect(branches.find(({ name }) => name === 'main')!.runs.filter(({ origin }) => origin!.git!.fork)).toEqual([])
  expect((await shown())!.runs.map(({ id }) => id)).toContain(run!.id)
  const later = await world.decided({ status: 202, body: { delivery: labeled.id } })
  expect(said(later)).toEqual({ evil: 'gate_action', build: 'gate_action' })
  expect(await shown()).toMatchObject({ waitsForTrust: false, trustedByName: expect.stringMatching(/./) })

  // Somebody who may push says a command below the commit that is trusted by now.
  const forgeSays = { ...pull }
  Object.assign(pull, { head })
  const asks = { ...comment, user: { login: 'ann' } }
  const issue = { number: 7, pull_request: {} }
  const commented = await world.decided(await world.send('issue_comment', { action: 'created', issue, comment: asks }))
  Object.assign(pull, forgeSays)
  expect(said(commented)).toEqual({ evil: 'gate_none', build: 'started' })
  const [commanded] = await world.runs()
  expect(commanded!.origin!.git).toMatchObject({ event: 'comment', commit: head, sender: 'ann' })
})

test('a further commit asks again, and what was said of an older one is over', async () => {
  const old = head
  commitToFork('code.c', 'int b;\n')
  const known = (await world.runs()).length
  const updated = await world.decided(await request({ commit: head, action: 'synchronize' }))
  expect(updated).toMatchObject({ result: WAITS, commit: head })
  const first = (await world.deliveries()).find(({ commit, result }) => commit === old && result === STARTED)!
  const { delivery } = await world.again(first.id)
  await world.decided({ status: 202, body: { delivery: delivery!.id } })
  expect(await shown()).toMatchObject({ headCommit: head, waitsForTrust: true })
  await expect(trust(old)).rejects.toThrow('stands at')
  expect(await world.runs()).toHaveLength(known)
  await trust(head)
  const started = await world.decided({ status: 202, body: { delivery: updated.id } })
  expect(started).toMatchObject({ result: STARTED, commit: head })
})

test('a repository may start nothing for those from elsewhere', async () => {
  const { repositoryId } = world
  await world.owner.client(RepositoryService).updateRepository({ repositoryId, forks: ForkPolicy.NONE })
  const known = (await world.runs()).length
  for (const action of ['synchronize', 'reopened']) {
    const delivery = await world.decided(await request({ commit: head, action }))
    expect(delivery).toMatchObject({ result: NOTHING, decisions: [], problemInfo: { code: 'delivery_fork_none' } })
  }
  expect(await world.runs()).toHaveLength(known)
})

test('what is told late of a pull request sets nothing back, and starts nothing', async () => {
  const { origin } = world
  origin.git('checkout', '--quiet', '-b', 'wide')
  const [first, second] = [world.commit('wide', '1\n'), world.commit('wide', '2\n')]
  origin.git('push', '--quiet', 'origin', 'HEAD:refs/pull/8/head')
  origin.git('checkout', '--quiet', 'main')
  const own = { number: 8, from: 'acme/shop', branch: 'wide' }
  const newer = await world.decided(await request({ ...own, action: 'synchronize', commit: second, at: 20 }))
  expect(newer).toMatchObject({ result: STARTED, commit: second })
  const before = (await world.runs()).length
  const older = await world.decided(await request({ ...own, action: 'synchronize', commit: first, at: 10 }))
  expect(older).toMatchObject({ result: NOTHING, problemInfo: { code: 'delivery_moved' } })
  expect(await shown(8)).toMatchObject({ headCommit: second, state: PullRequestState.OPEN })
  expect(await world.runs()).toHaveLength(before)
  // Its end, and before that what was told late of its beginning.
  const closed = await request({ ...own, action: 'closed', commit: second, at: 30 })
  await world.decided(closed)
  await world.decided(await request({ ...own, commit: first, at: 5 }))
  expect(await shown(8)).toMatchObject({ headCommit: second, state: PullRequestState.CLOSED })
})
