// The button of GitHub by which somebody has checks run again: an app tells of it, at the address of its connection.
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { ApprovalDecision, ApprovalService } from '@ansflow/proto/gen/ansflow/v1/approvals_pb'
import { ConnectionService } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { ForkPolicy, RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { type Run, RunService, RunStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isTerminal } from '@ansflow/proto/status'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answered, ForgeWorld, said } from '../../../test/forge-world.ts'
import { type StartedAgent, startAgent } from '../../../test/start-agent.ts'
import { waitFor } from '../../../test/wait-for.ts'
import type { FakeGithub } from '../forges/test/fake-github.ts'
import { decisionsOf, withDecisions } from './decisions.ts'
import { RepositoryDeliveryEntity } from './delivery.entity.ts'

const { STARTED, NOTHING, TAKEN } = RepositoryDeliveryResult
const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
})
const hookSecret = 'a-secret-of-the-app'
const files = {
  'ansflow.yaml': `name: build
on: { push: {} }
steps:
  good: { run: "true", workspace: isolated }
  bad: { run: "false", needs: [good], workspace: isolated }
`,
  '.ansflow/green.yaml': 'name: green\non: { push: {}, pullRequest: {} }\nsteps: { one: { run: "true" } }\n',
  '.ansflow/guarded.yaml': `name: guarded
on: { push: {} }
steps:
  sign-off: { uses: approval, with: { approvers: ["role:maintainer"] } }
  ship: { run: "false", needs: [sign-off], workspace: isolated }
`,
}

let world: ForgeWorld
let agent: StartedAgent | undefined
let connectionId = ''
let commit = ''
let stranger = ''
/** Of the push, by pipeline. */
let first: Record<string, Run>

const connections = () => world.owner.client(ConnectionService)
const connection = async () => {
  const all = (await connections().listConnections({ projectId: world.projectId })).connections
  return all.find(({ id }) => id === connectionId)!
}
const app = { case: 'app' as const, value: { appId: '77', installationId: '5', privateKey } }
const run = async (runId: string) => (await world.owner.client(RunService).getRun({ runId })).run!

beforeAll(async () => {
  world = await ForgeWorld.start({ files, app: { appId: '77', installationId: '5', publicKey } })
  const { repositoryId, origin } = world
  const owner = world.owner.client(RepositoryService)
  await owner.updateRepository({ repositoryId, forks: ForkPolicy.WITHOUT_SECRETS })
  const before = world.head()
  commit = world.commit('code.c', 'int a;\n')
  await world.pushed(before, commit)
  first = Object.fromEntries((await world.runs()).map((each) => [each.pipelineName, each]))
  expect(Object.keys(first).sort()).toEqual(['build', 'green', 'guarded'])

  origin.git('checkout', '--quiet', '-b', 'theirs')
  stranger = world.write('code.c', 'int b;\n')
  origin.git('push', '--quiet', 'origin', 'HEAD:refs/pull/7/head')
  origin.git('checkout', '--quiet', 'main')
  const pull_request = {
    ...{ number: 7, title: 'Faster', html_url: `${world.forge.url}/acme/shop/pull/7`, draft: false, labels: [] },
    ...{ merged: false, user: { login: 'mallory' } },
    head: { ref: 'fast', sha: stranger, repo: { full_name: 'mallory/shop' } },
    base: { ref: 'main', sha: commit, repo: { full_name: 'acme/shop' } },
  }
  const opened = await world.decided(await world.send('pull_request', { action: 'opened', number: 7, pull_request }))
  expect(said(opened)).toMatchObject({ green: 'started' })

  connectionId = (await world.repository()).connectionId
}, 90_000)
afterAll(async () => {
  await agent?.[Symbol.asyncDispose]()
  await world?.[Symbol.asyncDispose]()
})

interface Sent {
  headers?: Record<string, string>
  secret?: string
  repository?: string
  id?: string
}

/** As GitHub sends it for an app. */
async function send(event: string, body: object, sent: Sent = {}): Promise<Answered> {
  const { headers = {}, secret = hookSecret, repository = 'acme/shop', id = connectionId } = sent
  const text = JSON.stringify({ repository: { full_name: repository }, sender: { login: 'grace' }, ...body })
  const answer = await fetch(`${world.controller.url}/hooks/connections/${id}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-github-event': event,
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`,
      ...headers,
    },
    body: text,
  })
  const { deliveries, ...answered } = (await answer.json()) as { deliveries?: string[]; skipped?: string }
  return { status: answer.status, body: { ...answered, ...(deliveries && { delivery: deliveries[0]! }) } }
}

const one = (of: string, of_commit = commit, sent: Sent = {}) =>
  send('check_run', { action: 'rerequested', check_run: { id: 1, head_sha: of_commit, external_id: of } }, sent)
const all = (sent: Sent = {}) =>
  send('check_suite', { action: 'rerequested', check_suite: { id: 1, head_sha: commit } }, sent)

/** The runs that a delivery has begun, by pipeline, once they are over. */
async function begun(answered: Answered): Promise<Record<string, Run>> {
  const { decisions } = await world.decided(answered)
  const runs = decisions.filter(({ runId }) => runId !== '').map(({ runId }) => ended(runId))
  return Object.fromEntries((await Promise.all(runs)).map((each) => [each.pipelineName, each]))
}

const ended = (runId: string) =>
  waitFor(async () => {
    const found = await run(runId)
    return isTerminal(found.status) ? found : undefined
  }, 30_000)

test('only an app has such an address, and its secret goes in and never comes out', async () => {
  expect(await connection()).toMatchObject({ hookPath: '', hookSecretSet: false })
  expect(await one(first.build!.id)).toMatchObject({ status: 404 })
  const refusal = { rawMessage: expect.stringContaining('hook_secret') as string }
  await expect(connections().updateConnection({ connectionId, hookSecret })).rejects.toMatchObject(refusal)

  const { connection: changed } = await connections().updateConnection({ connectionId, credentials: { kind: app } })
  const hookPath = `/hooks/connections/${connectionId}`
  expect(changed).toMatchObject({ hookPath, hookSecretSet: false })
  // Without a secret nothing is signed rightly, whatever it is signed with.
  expect(await one(first.build!.id, commit, { secret: ' ' })).toMatchObject({ status: 401 })
  for (const wrong of ['short', 'with a blank in it', 'x'.repeat(256)]) {
    await expect(connections().updateConnection({ connectionId, hookSecret: wrong })).rejects.toMatchObject(refusal)
  }
  expect((await connection()).hookRefusedAt).toBeDefined()

  await connections().updateConnection({ connectionId, hookSecret })
  const shown = await connection()
  expect(shown).toMatchObject({ hookPath, hookSecretSet: true })
  expect(shown.hookRefusedAt).toBeUndefined()
  expect(JSON.stringify(shown, (_, value: unknown) => (typeof value === 'bigint' ? 0 : value))).not.toContain(
    hookSecret,
  )

  // It is said at once whether the new one is right.
  expect(await one(first.build!.id, commit, { secret: 'another-secret-of-an-app' })).toMatchObject({ status: 401 })
  expect((await connection()).hookRefusedAt).toBeDefined()

  // Another name, another key: the secret stays.
  await connections().updateConnection({ connectionId, name: 'the app' })
  await connections().updateConnection({ connectionId, credentials: { kind: app } })
  expect(await connection()).toMatchObject({ name: 'the app', hookSecretSet: true })
})

test('what is not signed with it is refused before it is read, and of what is too long no more than that is read', async () => {
  const known = (await world.deliveries()).length
  expect(await one(first.build!.id, commit, { secret: 'another-secret-of-an-app' })).toMatchObject({ status: 401 })
  expect(await one(first.build!.id, commit, { headers: { 'x-hub-signature-256': '' } })).toMatchObject({ status: 401 })
  // The secret of a repository is none of the app's, nor is that of the app a repository's.
  expect(await one(first.build!.id, commit, { secret: world.secret })).toMatchObject({ status: 401 })
  expect(await one(first.build!.id, commit, { id: world.repositoryId })).toMatchObject({ status: 404 })
  const long = await fetch(`${world.controller.url}/hooks/connections/${connectionId}`, {
    method: 'POST',
    body: 'x'.repeat(8 * 1024 * 1024 + 1),
  })
  expect(long.status).toBe(413)
  expect(await world.deliveries()).toHaveLength(known)
})

test('what names no repository of the connection, and what starts nothing anywhere, is answered and not kept', async () => {
  const known = (await world.deliveries()).length
  expect(await one(first.build!.id, commit, { repository: 'acme/other' })).toEqual({
    status: 200,
    body: { skipped: 'repository' },
  })
  const nothing = { status: 200, body: { skipped: 'event' } }
  const created = { action: 'created', check_run: { id: 1, head_sha: commit, external_id: first.build!.id } }
  expect(await send('check_run', created)).toEqual(nothing)
  expect(await send('check_run', { ...created, action: 'requested_action' })).toEqual(nothing)
  expect(await send('ping', { zen: 'x', repository: undefined })).toEqual(nothing)
  expect(await world.deliveries()).toHaveLength(known)
  expect((await connection()).hookDeliveredAt).toBeDefined()
})

test('pushes come by the hook of the repository: by that of the app they start nothing', async () => {
  const head_commit = { id: commit, message: 'x', author: { name: 'Ann', email: 'a@example.org' } }
  const sent = await send('push', { ref: 'refs/heads/main', before: commit, after: commit, head_commit })
  expect(sent.status).toBe(202)
  const delivery = await world.decided(sent)
  expect(delivery).toMatchObject({ result: NOTHING, commit, problemInfo: { code: 'delivery_app' }, decisions: [] })
  // Also when somebody wants it once more.
  const { delivery: again } = await world.again(delivery.id)
  expect(await world.decided({ status: 202, body: { delivery: again!.id } })).toMatchObject({
    result: NOTHING,
    problemInfo: { code: 'delivery_app' },
  })
})

test('a run that goes on is not run beside itself', async () => {
  const delivery = await world.decided(await one(first.build!.id))
  expect(delivery).toMatchObject({ result: NOTHING, commit, sender: 'grace' })
  expect(said(delivery)).toEqual({ build: 'delivery_rerun_open' })
  expect(said(await world.decided(await all()))).toEqual({
    build: 'delivery_rerun_open',
    green: 'delivery_rerun_open',
    guarded: 'delivery_rerun_open',
  })
})

test('a check of no run that is known here for its commit starts nothing', async () => {
  for (const [of, about] of [
    ['', commit],
    ['someone-else', commit],
    [first.build!.id, stranger],
  ] as const) {
    expect(await world.decided(await one(of, about))).toMatchObject({
      result: NOTHING,
      problemInfo: { code: 'delivery_check' },
    })
  }
  const unknown = { action: 'rerequested', check_suite: { id: 1, head_sha: 'ab'.repeat(20) } }
  expect(await world.decided(await send('check_suite', unknown))).toMatchObject({
    result: NOTHING,
    problemInfo: { code: 'delivery_commit' },
  })
})

test('what strangers decide is as little trusted when it runs again', async () => {
  const theirs = (await world.runs()).find(({ origin }) => origin?.untrusted)!
  const on = 'on: { run: { pipeline: green, results: [canceled] } }'
  const yaml = `name: after\n${on}\nsteps: { one: { run: "true" } }\n`
  const asked = { projectId: world.projectId, yaml, publish: true }
  const { pipeline: after } = await world.owner.client(PipelineService).applyPipeline(asked)
  await world.owner.client(RunService).cancelRun({ runId: theirs.id })
  await ended(theirs.id)
  // So is what its end starts, though nobody from elsewhere has written that.
  const follows = await waitFor(async () => (await world.runs()).find(({ pipelineId }) => pipelineId === after!.id))
  expect(follows.origin).toMatchObject({ untrusted: true, verified: theirs.origin!.verified })
  expect(follows.origin!.git).toMatchObject({ repositoryId: world.repositoryId, commit: stranger, fork: true })
  await world.owner.client(RunService).cancelRun({ runId: follows.id })
  const delivery = await world.decided(await one(theirs.id, stranger))
  expect(said(delivery)).toEqual({ green: 'started' })
  const again = await run(delivery.decisions[0]!.runId)
  expect(again).toMatchObject({ rerunOf: theirs.id, origin: { untrusted: true, verified: theirs.origin!.verified } })
  expect(again.origin!.git).toEqual(theirs.origin!.git)
})

test('a check that failed runs again from what failed, by whoever pressed the button', async () => {
  agent = await startAgent(world.controller, 'agent')
  const failed = await ended(first.build!.id)
  expect(failed.status).toBe(RunStatus.FAILED)

  const headers = { 'x-github-delivery': 'once' }
  const answered = await one(failed.id, commit, { headers })
  expect(answered.status).toBe(202)
  // GitHub sends it again where it has not heard our answer.
  expect(await one(failed.id, commit, { headers })).toEqual({
    status: 200,
    body: { ...answered.body, skipped: 'again' },
  })
  const { build: again } = await begun(answered)
  expect(again).toMatchObject({
    rerunOf: failed.id,
    version: failed.version,
    status: RunStatus.FAILED,
    origin: { untrusted: false, verified: true, fileOf: '' },
  })
  expect(again!.origin!.git).toEqual(failed.origin!.git)
  expect(again!.origin!.cause).toMatchObject({
    case: 'webhook',
    value: {
      ...{ deliveryId: answered.body.delivery, name: 'acme/shop', event: 'check_run', sender: 'grace', repeats: true },
    },
  })
  expect(again!.steps.map(({ id, reused }) => [id, reused?.runId ?? ''])).toEqual([
    ['good', failed.id],
    ['bad', ''],
  ])
  // And the forge is told by a check of the new run, which can be run again in turn.
  const { checks } = (world.forge as FakeGithub).apps
  const check = await waitFor(() =>
    checks.find(({ said: { external_id, status } }) => external_id === again!.id && status === 'completed'),
  )
  expect(check).toMatchObject({ commit, said: { name: 'ansflow/build', conclusion: 'failure' } })
  expect((await begun(await one(again!.id))).build).toMatchObject({ rerunOf: again!.id })
  expect((await world.runs()).filter(({ pipelineName }) => pipelineName === 'build')).toHaveLength(3)
}, 60_000)

test('one that is green runs again whole', async () => {
  const green = await ended(first.green!.id)
  const { green: again } = await begun(await one(green.id))
  expect(again).toMatchObject({ rerunOf: green.id, status: RunStatus.SUCCEEDED })
  expect(again!.steps.map(({ reused }) => reused)).toEqual([undefined])
}, 60_000)

test('whoever pressed the button may be who has approved, so it is asked again', async () => {
  const guarded = first.guarded!.id
  const decision = ApprovalDecision.APPROVE
  const approvals = world.owner.client(ApprovalService)
  const approve = async (runId: string) => {
    const approval = await waitFor(async () => (await approvals.listApprovals({ runId })).approvals[0], 20_000)
    await approvals.decide({ approvalId: approval.id, decision })
  }
  await approve(guarded)
  expect(await ended(guarded)).toMatchObject({ status: RunStatus.FAILED })
  const delivery = await world.decided(await one(guarded))
  const { runId } = delivery.decisions[0]!
  await approve(runId)
  const again = await ended(runId)
  expect(again.steps.map(({ id, reused }) => [id, reused?.runId ?? ''])).toEqual([
    ['sign-off', ''],
    ['ship', ''],
  ])
}, 60_000)

test('all checks of a commit: the last run of each pipeline, each as it would be by itself', async () => {
  const last = Object.fromEntries(
    (await world.runs())
      .toReversed()
      .filter(({ origin }) => origin?.git?.commit === commit)
      .map((each) => [each.pipelineName, each.id]),
  )
  const delivery = await world.decided(await all())
  expect(delivery).toMatchObject({ result: STARTED, event: 'check_suite' })
  const again = await Promise.all(delivery.decisions.map(({ runId }) => run(runId)))
  expect(Object.fromEntries(again.map((each) => [each.pipelineName, each.rerunOf]))).toEqual(last)

  // Whoever died after it had begun them: the next one begins no others, and finds them.
  const count = (await world.runs()).length
  const em = world.controller.db.em()
  const row = await em.findOneOrFail(RepositoryDeliveryEntity, { id: delivery.id })
  const planned = withDecisions(row, 0, decisionsOf(row))
  const decisions = JSON.stringify((JSON.parse(planned) as { event?: number }[]).filter(({ event }) => event === 0))
  const open = { result: TAKEN, nextAt: new Date(0), decisions }
  await em.nativeUpdate(RepositoryDeliveryEntity, { id: delivery.id }, open)
  const recovered = await world.decided({ status: 202, body: { delivery: delivery.id } })
  expect(recovered.decisions).toEqual(delivery.decisions)
  expect(await world.runs()).toHaveLength(count)
}, 60_000)

test('a connection without the secret, and one that is no app’s, believes nothing', async () => {
  const { hookSecretSet } = (await connections().updateConnection({ connectionId, hookSecret: '' })).connection!
  expect(hookSecretSet).toBe(false)
  expect(await all()).toMatchObject({ status: 401 })
  await connections().updateConnection({ connectionId, hookSecret })
  expect((await all()).status).toBe(202)
  const token = { case: 'token' as const, value: { user: '', token: 'ghp_right' } }
  await connections().updateConnection({ connectionId, credentials: { kind: token } })
  expect(await connection()).toMatchObject({ hookPath: '', hookSecretSet: false })
  expect(await all()).toMatchObject({ status: 404 })
  // The secret went with the app.
  await connections().updateConnection({ connectionId, credentials: { kind: app } })
  expect(await all()).toMatchObject({ status: 401 })
})
