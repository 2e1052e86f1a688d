import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { reason } from '@ansflow/proto/reasons'
import { JobStatus, RunStatus, StepStatus } from '@ansflow/proto/status'
import { expect, test } from 'vitest'
import { apply, graphOf, newWorld, type StepInit, type World } from '../test/world.ts'
import type { JobState } from './state.ts'

function begun(steps: StepInit): World {
  const world = newWorld(graphOf(steps))
  apply(world, { type: 'started' })
  return world
}

const ask = { id: 'ask', uses: 'http_request', with: { url: 'https://example.org/' } }
const step = (world: World) => world.state.steps.get('ask')!
const job = (world: World): JobState => step(world).attempts.at(-1)!
const take = (world: World, epoch: number) => apply(world, { type: 'workTaken', jobId: job(world).id, epoch }).result
const answer = (world: World, epoch: number, outcome = Outcome.SUCCEEDED) =>
  apply(world, {
    type: 'workDone',
    jobId: job(world).id,
    epoch,
    outcome,
    why: reason('request_failed', { message: 'x' }),
  })

test('work of the controller is no job of any agent, and asks for it by an effect', () => {
  const world = newWorld(graphOf([ask]))
  const changes = apply(world, { type: 'started' })
  expect(changes.effects).toEqual([{ type: 'workQueued' }])
  expect([changes.newJobs, changes.newWorks.map(({ work }) => work.kind)]).toEqual([[], ['http_request']])
  expect([step(world).phase, step(world).awaits]).toEqual(['awaiting', { kind: 'work' }])
  expect([job(world).status, job(world).agentId]).toEqual([JobStatus.ACCEPTED, ''])
  expect(apply(world, { type: 'jobStranded', jobId: job(world).id, agentId: '', agentName: '' }).result).toBe('stale')
})

test('only the answer of the last taker counts, and only once', () => {
  const world = begun([ask])
  expect(answer(world, 1).result).toBe('stale')
  expect([take(world, 1), take(world, 2), take(world, 2)]).toEqual(['applied', 'applied', 'stale'])
  expect(step(world).status).toBe(StepStatus.RUNNING)
  expect(answer(world, 1, Outcome.FAILED).result).toBe('stale')
  const changes = answer(world, 2)
  expect(changes.effects).toContainEqual({ type: 'workEnded', jobId: job(world).id })
  expect([step(world).status, world.state.status]).toEqual([StepStatus.SUCCEEDED, RunStatus.SUCCEEDED])
  expect(answer(world, 2, Outcome.FAILED).result).toBe('stale')
})

test('its timeout goes on when another takes it, and its retries are the step’s', () => {
  const world = begun([{ ...ask, timeoutMs: 1000, retry: { max: 1 } }])
  take(world, 1)
  const due = step(world).dueAt
  world.now = new Date(world.now.getTime() + 500)
  take(world, 2)
  expect(step(world).dueAt).toEqual(due)
  world.now = new Date(due!)
  apply(world, { type: 'timer' })
  expect(step(world).attempts.map(({ status }) => status)).toEqual([JobStatus.TIMED_OUT, JobStatus.ACCEPTED])
  take(world, 1)
  answer(world, 1, Outcome.FAILED)
  expect([step(world).status, step(world).reason?.code]).toEqual([StepStatus.FAILED, 'request_failed'])
})

test.each([0, 1])('is canceled at once, taken %d times', (times) => {
  const world = begun([ask])
  if (times > 0) take(world, 1)
  const { effects } = apply(world, { type: 'cancelRequested', by: 'u', byName: 'Ada' })
  expect(effects).toContainEqual({ type: 'workEnded', jobId: job(world).id })
  expect([job(world).status, step(world).status]).toEqual([JobStatus.CANCELED, StepStatus.CANCELED])
  expect([take(world, 5), answer(world, 1).result]).toEqual(['stale', 'stale'])
})
