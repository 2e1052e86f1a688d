// The /live socket against a real controller: what is followed arrives once and in order, and slow or unwelcome tabs cost little.

import { createHash } from 'node:crypto'
import { Role } from '@ansflow/proto/access'
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { AuthService } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { PipelineGraphSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { MemberService } from '@ansflow/proto/gen/ansflow/v1/members_pb'
import { RunStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { byPerson } from '@ansflow/proto/triggers/run-origin'
import { create } from '@bufbuild/protobuf'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LiveClient } from '../../../test/live-client.ts'
import { startController, type TestController } from '../../../test/start-controller.ts'
import { removeGrants, setGrant } from '../../features/access/index.ts'
import { type FakeAgent, registerFakeAgent } from '../../features/agents/test/fake-agent.ts'
import { createRunDriver, type RunDriver } from '../../features/runs/index.ts'
import type { Bus } from '../../platform/bus.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { createLog } from '../../platform/log.ts'
import { createListWatch } from './list-watch.ts'

let system: TestController
let driver: RunDriver
let agent: FakeAgent
let projectId: string
const clients: LiveClient[] = []

beforeEach(async () => {
  system = await startController()
  driver = createRunDriver({ db: system.db, bus: system.bus, clock: system.clock, log: createLog('silent') })
  projectId = await system.addProject()
  const organizationId = system.owner.organizationId
  const { token } = await system.as(system.owner).client(AgentService).createRegistrationToken({ organizationId })
  agent = await registerFakeAgent(system.grpcAddress, token)
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  agent.close()
  await driver.stop()
  await system[Symbol.asyncDispose]()
})

async function open(token = system.owner.token): Promise<LiveClient> {
  const client = await LiveClient.open(system.url, token)
  clients.push(client)
  return client
}

function silentBus(): Bus {
  return { publish: () => {}, subscribe: () => () => {}, settled: async () => {}, close: async () => {} }
}

async function startRun(ids: string[] = ['a'], by = driver): Promise<string> {
  const run = await by.start({
    organizationId: system.owner.organizationId,
    projectId,
    projectSlug: 'p',
    pipelineId: uuidv7(),
    pipelineName: 'pipeline',
    version: 1,
    graph: create(PipelineGraphSchema, { steps: ids.map((id) => ({ id, uses: 'custom', with: { script: 'true' } })) }),
    inputs: {},
    origin: byPerson(system.owner.userId, 'owner'),
  })
  return run.id
}

test('a run is replayed from any event and followed to its end, also after a cut', async () => {
  const control = agent.control()
  await control.hello()
  const runId = await startRun()
  const topic = `run/${runId}`
  const first = await open()
  expect(await first.subscribe(topic)).toMatchObject({ stream: runId, seq: 0, kind: { case: 'subscribed' } })
  const { job } = await control.take()
  await first.until(() => first.events(topic).length >= 2)
  first.close()
  const seen = first.events(topic).at(-1)?.seq ?? 0
  control.say({ case: 'started', value: { job } })
  const second = await open()
  await second.subscribe(topic, { afterSeq: seen })
  control.say({ case: 'finished', value: { job, outcome: Outcome.SUCCEEDED } })
  await second.until(() =>
    second.events(topic).some(({ kind }) => kind.case === 'run' && kind.value.run?.status === RunStatus.SUCCEEDED),
  )
  const all = [...first.events(topic), ...second.events(topic)].map(({ seq }) => seq)
  expect(all).toEqual(all.map((_, i) => i + 1))
})

test('lists tell of what changed, under one stream for the whole tab', async () => {
  const organizationId = system.owner.organizationId
  const client = await open()
  const runs = `project/${projectId}/runs`
  const agents = `organization/${organizationId}/agents`
  const { stream } = await client.subscribe(runs)
  await client.subscribe(agents)
  const runId = await startRun()
  await client.until(() =>
    client.events(runs).find(({ kind }) => kind.case === 'runChanged' && kind.value.id === runId),
  )
  const again = await client.subscribe(runs)
  expect(again.stream).toBe(stream)
  expect(again.seq).toBe(client.events(runs).at(-1)?.seq)
  const control = agent.control()
  await control.hello({ labels: ['x64'] })
  await client.until(() =>
    client.events(agents).find(({ kind }) => kind.case === 'agentChanged' && kind.value.labels[0] === 'x64'),
  )
  control.close()
  await control.end()
  await system.as(system.owner).client(AgentService).drainAgent({ agentId: agent.id, drain: true })
  await client.until(() =>
    client.events(agents).find(({ kind }) => kind.case === 'agentChanged' && kind.value.draining),
  )
  const seqs = client.events(agents).map(({ seq }) => seq)
  expect(seqs).toEqual(seqs.map((_, i) => i + 1))
  client.request({ case: 'ping', value: { at: 5 } })
  await client.until(() => client.responses.some(({ kind }) => kind.case === 'pong' && kind.value.at === 5))
})

test('lists notice what the bus lost', async () => {
  const { organizationId } = system.owner
  const runs = `project/${projectId}/runs`
  const agents = `organization/${organizationId}/agents`
  // Another controller whose messages never arrive.
  const deaf = createRunDriver({ db: system.db, bus: silentBus(), clock: system.clock, log: createLog('silent') })
  try {
    const client = await open()
    const before = await startRun(['a'], deaf)
    await client.subscribe(runs)
    await client.subscribe(agents)
    const told = (id: string, status: RunStatus) => () =>
      client
        .events(runs)
        .some(({ kind }) => kind.case === 'runChanged' && kind.value.id === id && kind.value.status === status)
    const later = await startRun(['a'], deaf)
    await deaf.cancel(before, { id: '', name: 'x' })
    await deaf.cancel(later, { id: '', name: 'x' })
    await client.until(told(before, RunStatus.CANCELED))
    await client.until(told(later, RunStatus.CANCELED))
    await system.db
      .kysely<{ agent: { id: string; draining: number } }>()
      .updateTable('agent')
      .set({ draining: 1 })
      .where('id', '=', agent.id)
      .execute()
    await client.until(() =>
      client.events(agents).some(({ kind }) => kind.case === 'agentChanged' && kind.value.draining),
    )
    await system.db.kysely<{ agent: { id: string } }>().deleteFrom('agent').where('id', '=', agent.id).execute()
    await client.until(() =>
      client.events(agents).some(({ kind }) => kind.case === 'agentRemoved' && kind.value === agent.id),
    )
  } finally {
    await deaf.stop()
  }
})

test('lists of members are said to be old by all that changes them, also by what the bus lost', async () => {
  const { organizationId } = system.owner
  const asOwner = system.as(system.owner)
  const organizations = asOwner.client(MemberService)
  const client = await open()
  const topics = [`organization/${organizationId}/members`, `project/${projectId}/members`]
  for (const topic of topics) await client.subscribe(topic)
  const toldAfter = async (change: () => Promise<unknown>) => {
    const before = topics.map((topic) => client.events(topic).length)
    await change()
    await client.until(() => topics.every((topic, i) => client.events(topic).length > (before[i] ?? 0)))
  }
  const invite = (email: string) => organizations.inviteMember({ organizationId, email, role: Role.VIEWER })
  let token = ''
  await toldAfter(async () => {
    token = (await invite('grace@example.test')).link.split('#')[1] ?? ''
  })
  let userId = ''
  await toldAfter(async () => {
    const joined = await asOwner
      .client(AuthService)
      .acceptInvitation({ token, name: 'Grace', password: 'long enough 1' })
    userId = joined.user?.id ?? ''
  })
  await toldAfter(() => organizations.setMemberRole({ organizationId, userId, role: Role.DEVELOPER }))
  await toldAfter(() => organizations.removeMember({ organizationId, userId }))
  let invitationId = ''
  await toldAfter(async () => {
    const project = asOwner.client(MemberService)
    const { invitation } = await project.inviteProjectMember({
      projectId,
      email: 'ada@example.test',
      role: Role.VIEWER,
    })
    invitationId = invitation?.id ?? ''
  })
  await toldAfter(() => organizations.revokeInvitation({ organizationId, invitationId }))
  await toldAfter(() =>
    system.db.transaction((em) =>
      setGrant(
        em,
        {
          subject: { kind: 'user', id: userId },
          organizationId,
          on: { kind: 'project', id: projectId },
          roleId: 'viewer',
        },
        system.clock.now(),
      ),
    ),
  )
  for (const topic of topics)
    expect(new Set(client.events(topic).map(({ kind }) => kind.case))).toEqual(new Set(['resync']))
})

test('a log comes as bytes from any offset until it is complete, also to a tab that reads slowly', async () => {
  const control = agent.control()
  await control.hello()
  const runId = await startRun()
  const { job } = await control.take()
  const topic = `log/${runId}/a/1`
  const slow = await open()
  const from = 1000n
  await slow.subscribe(topic, { offset: from })
  slow.socket.pause()
  const logs = agent.logs()
  const whole = Buffer.from(Array.from({ length: 300_000 }, (_, i) => `${i} some text of a line\n`).join(''))
  for (let at = 0; at < whole.length; at += 65_536) {
    logs.send({ job, offset: BigInt(at), data: whole.subarray(at, at + 65_536) })
  }
  const sum = createHash('sha256').update(whole).digest()
  logs.send({ job, offset: BigInt(whole.length), finalSize: BigInt(whole.length), finalSha256: sum })
  await logs.answer((answer) => answer.complete)
  // Everything is stored; the paused tab holds back only itself.
  slow.socket.resume()
  await slow.until(() => slow.chunks.at(-1)?.complete)
  expect(Buffer.concat(slow.chunks.map(({ data }) => data)).equals(whole.subarray(Number(from)))).toBe(true)
  const starts = slow.chunks.map(({ offset }) => Number(offset))
  expect(starts[0]).toBe(Number(from))
})

test('what may not be seen is refused without saying whether it exists', async () => {
  const runId = await startRun()
  const stranger = await system.addUser({ role: Role.OWNER, organizationId: await system.addOrganization() })
  const client = await open(stranger.token)
  const none = uuidv7()
  for (const topic of [
    `run/${runId}`,
    `run/${none}`,
    `log/${runId}/a/1`,
    `project/${projectId}/runs`,
    `organization/${system.owner.organizationId}/agents`,
    `organization/${system.owner.organizationId}/members`,
    `project/${projectId}/members`,
    'nothing/here',
    'run/*',
    '',
  ]) {
    const answer = await client.subscribe(topic)
    expect([topic, answer.kind.case, answer.kind.case === 'refused' && answer.kind.value.code]).toEqual([
      topic,
      'refused',
      'not_found',
    ])
  }
})

test('a right that is taken away ends its topics at once', async () => {
  const viewer = await system.addUser({ role: Role.VIEWER })
  const runId = await startRun()
  const client = await open(viewer.token)
  const topic = `run/${runId}`
  expect((await client.subscribe(topic)).kind.case).toBe('subscribed')
  await system.db.transaction((em) => removeGrants(em, viewer.userId, { organizationId: system.owner.organizationId }))
  system.bus.publish('access.changed', { userId: viewer.userId })
  await client.until(() => client.responses.some((r) => r.topic === topic && r.kind.case === 'refused'))
  const before = client.events(topic).length
  await driver.cancel(runId, { id: '', name: 'x' })
  client.request({ case: 'ping', value: { at: 1 } })
  await client.until(() => client.responses.some(({ kind }) => kind.case === 'pong'))
  expect(client.events(topic).length).toBe(before)
})

test('nonsense closes the socket', async () => {
  const one = await open()
  one.socket.send('{"subscribe": 7}')
  await one.until(() => one.closeCode !== undefined)
  expect(one.closeCode).toBe(1007)
  const two = await open()
  two.socket.send(Buffer.alloc(10))
  await two.until(() => two.closeCode !== undefined)
  expect(two.closeCode).toBe(1008)
  await expect(LiveClient.open(system.url, 'af_wrong')).rejects.toThrow('401')
})

test('what a list holds is known before a subscription is answered, however slow the database is', async () => {
  // Everything up to the first look takes so long that what is changed after the answer would be part of it.
  const held = Promise.withResolvers<void>()
  const lists = createListWatch({
    clock: system.clock,
    log: createLog('silent'),
    what: 'things',
    subscribe: () => () => undefined,
    async read(listIds) {
      const versions = new Map([['thing', String(version)]])
      await held.promise
      return new Map(listIds.map((id) => [id, versions]))
    },
  })
  let version = 1
  try {
    let begun = false
    const beginning = lists.begin('list').then(() => {
      begun = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(begun).toBe(false)
    held.resolve()
    await beginning
    version = 2
    const changed = await new Promise<string>((resolve) => lists.listen('list', resolve))
    expect(changed).toBe('thing')
  } finally {
    lists.stop()
  }
})
