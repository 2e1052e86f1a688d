// The session's state machine over a scripted pipe: what the wire tests cannot wait for, and a database that is away.

import type { RunEvent } from '@ansflow/engine/state'
import { JobPhase, JobSpecSchema, Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { limits } from '@ansflow/proto/limits'
import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import type { ControlInit } from './holding-session.ts'
import type { HeldJob } from './job-book.ts'
import { world } from './test/session-world.ts'

/** Lets everything that is under way go on as far as it can. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
const job = { jobId: 'job', epoch: 1 }
const offer = { ...job, runId: 'run', secrets: true, spec: create(JobSpecSchema, { stepId: 'a' }) }
const kinds = (sent: ControlInit[]) => sent.map((message) => message.case)

test('an offer that is not answered within ten seconds is taken back, and its late accept is stale', async () => {
  const { clock, sent, submitted, calls, session, say } = world()
  await say({ case: 'hello', value: { slots: 1 } })
  session.seat().offer(offer)
  expect(session.takesOffers).toBe(false)
  clock.advance(9_999)
  await settle()
  expect(submitted).toEqual([])
  clock.advance(1)
  await settle()
  expect(submitted).toMatchObject([{ type: 'jobRejected', ...job }])
  expect([session.takesOffers, calls.free]).toEqual([true, 1])
  await say({ case: 'accept', value: { job } })
  await settle()
  expect(kinds(sent)).toEqual(['welcome', 'offer', 'stale'])
})

test('a job of this session’s own offer starts at once; its end is answered when it is stored, however long that takes', async () => {
  const { clock, sent, submitted, state, session, say } = world()
  await say({ case: 'hello', value: { slots: 1 } })
  session.seat().offer(offer)
  state.failing = 4
  await say({ case: 'accept', value: { job } })
  await say({ case: 'started', value: { job } })
  await say({ case: 'finished', value: { job, outcome: Outcome.SUCCEEDED } })
  await settle()
  expect(kinds(sent)).toEqual(['welcome', 'offer', 'start'])
  expect(submitted).toEqual([])
  for (let i = 0; i < 5; i++) {
    clock.advance(1000)
    await settle()
  }
  expect(submitted.map(({ type }) => type).sort()).toEqual(['jobAccepted', 'jobFinished', 'jobStarted'])
  expect(kinds(sent)).toEqual(['welcome', 'offer', 'start', 'finishedAck'])
})

test('a job that another session has offered starts when its accept is stored: the other may take it back', async () => {
  for (const isTakenBack of [false, true]) {
    const { clock, sent, state, say } = world([
      { ...job, runId: 'run', phase: 'offered', secrets: true, offeredAt: new Date(0) },
    ])
    state.failing = 1
    await say({ case: 'hello', value: { slots: 1, jobs: [{ job, phase: JobPhase.ACCEPTED }] } })
    await settle()
    expect(kinds(sent)).toEqual(['welcome'])
    if (isTakenBack) state.answer = 'stale'
    clock.advance(1000)
    await settle()
    expect(kinds(sent)).toEqual(['welcome', isTakenBack ? 'stale' : 'start'])
  }
})

test('a cancel takes back an offer that is not accepted, and is told of one that is', async () => {
  const { sent, submitted, state, session, say } = world()
  await say({ case: 'hello', value: { slots: 2 } })
  session.seat().offer(offer)
  session.seat().offer({ ...offer, jobId: 'accepted' })
  await say({ case: 'accept', value: { job: { jobId: 'accepted', epoch: 1 } } })
  await settle()
  state.cancels = [job, { jobId: 'accepted', epoch: 1 }]
  await session.deliverCancels()
  await say({ case: 'accept', value: { job } })
  await settle()
  expect(submitted).toContainEqual(expect.objectContaining({ type: 'jobRejected', ...job }))
  const said = sent.slice(3).map((message) => [message.case, (message.value as { job: unknown }).job])
  expect(said).toEqual([
    ['start', expect.objectContaining({ jobId: 'accepted' })],
    ['cancel', expect.objectContaining({ jobId: 'accepted' })],
    ['stale', expect.objectContaining({ jobId: 'job' })],
  ])
})

test('a job whose secret is gone fails with that reason instead of starting', async () => {
  const { sent, submitted, state, session, say } = world()
  await say({ case: 'hello', value: { slots: 1 } })
  session.seat().offer(offer)
  state.missing = ['TOKEN']
  await say({ case: 'accept', value: { job } })
  await settle()
  expect(submitted.at(-1)).toMatchObject({ type: 'jobFinished', reasonCode: 'secret_missing' })
  expect(kinds(sent)).toEqual(['welcome', 'offer', 'stale'])
})

test('a slot is in use from when it is kept for a claim until the agent says that the job has ended', async () => {
  const { calls, state, session, say } = world()
  await say({ case: 'hello', value: { slots: 1 } })
  const lost = session.seat()
  expect(session.takesOffers).toBe(false)
  lost.giveBack()
  expect([session.takesOffers, calls.free]).toEqual([true, 1])
  const won = session.seat()
  won.offer(offer)
  expect(session.takesOffers).toBe(false)
  await say({ case: 'accept', value: { job } })
  await settle()
  // Its result cannot be stored yet, but the agent could begin another job.
  state.failing = 1
  await say({ case: 'finished', value: { job, outcome: Outcome.SUCCEEDED } })
  await settle()
  expect([session.takesOffers, calls.free]).toEqual([true, 2])
})

const atOnce = { slots: 2, startsOffers: true, instanceId: 'one', helloNumber: 1 }
const rejected = (submitted: RunEvent[]) => submitted.filter(({ type }) => type === 'jobRejected')

test('an offer that was sent with its start is never taken back: neither by time, nor by a cancel, nor by the end of the stream', async () => {
  const { clock, sent, submitted, state, calls, session, say } = world()
  await say({ case: 'hello', value: atOnce })
  session.seat().offer({ ...offer, secrets: false })
  expect(sent.at(-1)).toMatchObject({ case: 'offer', value: { job, start: true } })
  state.cancels = [job]
  await session.deliverCancels()
  expect(sent.at(-1)).toMatchObject({ case: 'cancel', value: { job } })
  clock.advance(9_999)
  expect(session.state).toBe('ready')
  // Who does not answer is asked what it has, by a stream of its own.
  clock.advance(1)
  await settle()
  expect([session.state, calls.closed, rejected(submitted)]).toEqual(['closed', 1, []])
})

test('the secrets of a job go with its offer; until they are read it is not sent, and may be taken back', async () => {
  const { sent, submitted, session, state, say, clock } = world()
  await say({ case: 'hello', value: atOnce })
  session.seat().offer(offer)
  await settle()
  expect(sent.at(-1)).toMatchObject({
    case: 'offer',
    value: { start: true, secrets: [{ name: 'A', value: 'v', env: true }] },
  })
  await say({ case: 'started', value: { job } })
  await settle()
  expect(submitted).toMatchObject([{ type: 'jobStarted', ...job }])
  state.unreadable = 2
  session.seat().offer({ ...offer, jobId: 'canceled' })
  await settle()
  state.cancels = [{ jobId: 'canceled', epoch: 1 }]
  await session.deliverCancels()
  session.seat().offer({ ...offer, jobId: 'cut' })
  session.onClose()
  clock.advance(10_000)
  await settle()
  expect(kinds(sent)).toEqual(['welcome', 'offer'])
  expect(rejected(submitted)).toMatchObject([{ jobId: 'canceled' }, { jobId: 'cut' }])
})

test('a job whose secret is gone is not offered at all', async () => {
  const { sent, submitted, state, session, say } = world()
  await say({ case: 'hello', value: atOnce })
  state.missing = ['TOKEN']
  session.seat().offer(offer)
  await settle()
  expect(submitted).toMatchObject([{ type: 'jobFinished', reasonCode: 'secret_missing' }])
  expect(kinds(sent)).not.toContain('offer')
})

test('a job whose repository is not to be had is not offered at all, and says why', async () => {
  const { sent, submitted, state, session, say } = world()
  await say({ case: 'hello', value: atOnce })
  state.refused = 'The forge does not answer.'
  session.seat().offer(offer)
  await settle()
  const why = { reasonCode: 'repository_access', reason: 'The forge does not answer.' }
  expect(submitted).toMatchObject([{ type: 'jobFinished', ...why }])
  expect(kinds(sent)).not.toContain('offer')
})

test('what has started or ended says so in one message; who asks for its start after all is told', async () => {
  const { sent, submitted, session, say } = world()
  await say({ case: 'hello', value: atOnce })
  for (const jobId of ['ends', 'starts', 'takes', 'asks']) session.seat().offer({ ...offer, jobId, secrets: false })
  const ref = (jobId: string) => ({ jobId, epoch: 1 })
  await say({ case: 'finished', value: { job: ref('ends'), outcome: Outcome.SUCCEEDED, exitCode: 0 } })
  await say({ case: 'started', value: { job: ref('starts') } })
  await say({ case: 'accept', value: { job: ref('takes'), starts: true } })
  await say({ case: 'accept', value: { job: ref('asks') } })
  await settle()
  expect(submitted.map((event) => [event.type, 'jobId' in event && event.jobId])).toEqual([
    ['jobFinished', 'ends'],
    ['jobStarted', 'starts'],
    ['jobAccepted', 'takes'],
    ['jobAccepted', 'asks'],
  ])
  const starts = sent.filter((message) => message.case === 'start')
  expect(starts).toMatchObject([{ value: { job: ref('asks') } }])
  // All have answered: nobody is asked anew.
  session.onClose()
  await settle()
  expect(rejected(submitted)).toEqual([])
})

test('a hello without an offer gives it back, but not while another process may run it', async () => {
  const offered = { ...job, runId: 'run', phase: 'offered' as const, offeredAt: new Date('2030-01-01T00:00:00.000Z') }
  const since = { instanceSince: new Date('2030-01-01T00:00:00.000Z') }
  for (const [row, isElsewhere] of [
    [{ instances: 'one' }, false],
    [{ ...since, instances: 'one zero.' }, false],
    [{ ...since, instances: 'one zero' }, true],
  ] as const) {
    const { clock, submitted, agent, say } = world([offered])
    Object.assign(agent, row)
    await say({ case: 'hello', value: atOnce })
    await settle()
    expect(submitted).toMatchObject(isElsewhere ? [] : [{ type: 'jobRejected', ...job }])
    clock.advance(30_000)
    await settle()
    expect(submitted).toMatchObject([{ type: isElsewhere ? 'jobLost' : 'jobRejected', ...job }])
  }
})

test('a job of the rows that this session has not heard of for two heartbeats ends the stream: the agent says whether it has it', async () => {
  const { state, session, say } = world()
  await say({ case: 'hello', value: atOnce })
  state.strange = [{ ...job, runId: 'run', phase: 'offered', offeredAt: new Date(0) }]
  await say({ case: 'heartbeat', value: {} })
  state.strange = []
  await say({ case: 'heartbeat', value: {} })
  state.strange = [{ ...job, runId: 'run', phase: 'offered', offeredAt: new Date(0) }]
  await say({ case: 'heartbeat', value: {} })
  expect(session.state).toBe('ready')
  await say({ case: 'heartbeat', value: {} })
  expect(session.state).toBe('closed')
})

test('a cut gives unaccepted offers back at once and keeps the others', async () => {
  const { submitted, calls, session, say } = world([
    { jobId: 'running', runId: 'run', epoch: 3, phase: 'running', offeredAt: new Date(0) },
  ])
  await say({ case: 'hello', value: { slots: 2, jobs: [{ job: { jobId: 'running', epoch: 3 }, phase: 2 }] } })
  await settle()
  session.seat().offer(offer)
  session.onClose()
  await settle()
  expect(submitted.filter(({ type }) => type === 'jobRejected' || type === 'jobLost')).toMatchObject([
    { type: 'jobRejected', ...job },
  ])
  expect([session.state, calls.closed, calls.left]).toEqual(['closed', 1, 0])
})

test('a heartbeat tells of cancels and of running jobs that are not the agent’s; a superseded session ends', async () => {
  const { sent, state, session, say } = world([
    { jobId: 'job', runId: 'run', epoch: 1, phase: 'running', offeredAt: new Date(0) },
  ])
  await say({ case: 'hello', value: { slots: 1, jobs: [{ job, phase: 2 }] } })
  await settle()
  sent.length = 0
  state.cancels = [job]
  await session.deliverCancels()
  await session.deliverCancels()
  await say({ case: 'heartbeat', value: { running: [job, { jobId: 'other', epoch: 1 }] } })
  expect(sent).toMatchObject([
    { case: 'cancel', value: { job } },
    { case: 'heartbeatAck', value: { cancel: [job] } },
    { case: 'stale', value: { job: { jobId: 'other' } } },
  ])
  state.superseded = true
  await say({ case: 'heartbeat', value: {} })
  expect(session.state).toBe('closed')
})

test('an agent that drains gets nothing more and leaves when it is done', async () => {
  const { calls, session, say } = world()
  await say({ case: 'hello', value: { slots: 1 } })
  await say({ case: 'draining', value: {} })
  expect(session.takesOffers).toBe(false)
  session.onClose()
  expect(calls.left).toBe(1)
})

test('a job that has ended, whose result had no room in the hello, waits for it', async () => {
  const { sent, submitted, say, clock } = world([{ ...job, runId: 'run', phase: 'running', offeredAt: new Date(0) }])
  await say({ case: 'hello', value: { slots: 1, jobs: [{ job, phase: JobPhase.FINISHED }] } })
  clock.advance(60_000)
  await settle()
  expect([kinds(sent), submitted]).toEqual([['welcome'], []])
  await say({ case: 'finished', value: { job, outcome: Outcome.SUCCEEDED } })
  await settle()
  expect(submitted).toMatchObject([{ type: 'jobFinished', ...job }])
  expect(kinds(sent)).toEqual(['welcome', 'finishedAck'])
})

test.each([
  ['before the hello', false, false],
  ['before the hello, with its whole log', false, true],
  ['by another session right behind the hello', true, false],
  ['by another session right behind the hello, with its whole log', true, true],
])(
  'the end of what a restarted agent takes for running was stored %s: no more than its log is awaited',
  async (_name, isHeld, logComplete) => {
    const rows: HeldJob[] = isHeld ? [{ ...job, runId: 'run', phase: 'running', offeredAt: new Date(0) }] : []
    const { sent, state, session, say } = world(rows)
    state.known = { runId: 'run', epoch: 1, agentId: 'agent', hasEnded: true, logComplete }
    state.answer = 'stale'
    await say({ case: 'hello', value: { slots: 1, jobs: [{ job, phase: JobPhase.RUNNING }] } })
    await settle()
    expect(session.busy).toBe(0)
    const [welcome, ...more] = sent
    expect(welcome).toMatchObject({ case: 'welcome', value: { forget: !isHeld && logComplete ? [job] : [] } })
    if (!logComplete) expect(more).toEqual([{ case: 'finishedAck', value: { job, logComplete: false } }])
    else expect([...new Set(kinds(more))]).toEqual(isHeld ? ['stale'] : [])
    rows.length = 0
    await say({ case: 'heartbeat', value: { running: [job] } })
    expect(kinds(sent.slice(1 + more.length))).toEqual(logComplete ? ['heartbeatAck', 'stale'] : ['heartbeatAck'])
  },
)

test('an agent says no more jobs than it may have', async () => {
  const { say } = world()
  const jobs = Array.from({ length: limits.jobsOfAnAgent + 1 }, (_, n) => ({ jobId: `job-${n}`, epoch: 1 }))
  const hello = { slots: 1, jobs: jobs.map((job) => ({ job, phase: JobPhase.RUNNING })) }
  await expect(say({ case: 'hello', value: hello })).rejects.toMatchObject({ code: 'invalid_argument' })
  await say({ case: 'hello', value: { ...hello, jobs: hello.jobs.slice(1) } })
  await expect(say({ case: 'heartbeat', value: { running: jobs } })).rejects.toMatchObject({ code: 'invalid_argument' })
})
