// A step that may wait only so long for its locks and an agent; and delays of retries of which a part is left to chance.
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { reasonText } from '@ansflow/proto/reasons'
import { RunStatus, StepStatus } from '@ansflow/proto/status'
import { expect, test } from 'vitest'
import { apply, graphOf, newWorld, passTime, proceed, type StepInit, type World } from '../../test/world.ts'

const second = 1000

function begun(step: NonNullable<StepInit>[number], foreign = 0): World {
  const world = newWorld(graphOf([{ id: 'a', queueTimeoutMs: 60 * second, ...step }]), undefined, foreign)
  apply(world, { type: 'started' })
  return world
}

const stepOf = ({ state }: World) => state.steps.get('a')!
const jobOf = (world: World) => stepOf(world).attempts.at(-1)!

test('a step that no agent takes in time has failed, and says so; its retries are not for that', () => {
  const world = begun({ retry: { max: 3 } })
  passTime(world)
  const { status, reason, attempts } = stepOf(world)
  expect([StepStatus[status], reason && reasonText(reason)]).toEqual(['FAILED', 'No agent took it within 1m.'])
  expect(attempts).toHaveLength(1)
  expect(world.state.status).toBe(RunStatus.FAILED)
})

test.each([
  ['labels_missing', { labels: 'gpu, mac' }, 'No agent with the labels gpu, mac took it within 1m.'],
  [
    'workspace_full',
    { agent: 'vm', workspace: 'shared' },
    'No agent took it within 1m: it is for agent vm, which holds workspace shared.',
  ],
  ['no_agent', {}, 'No agent took it within 1m.'],
] as const)('one that waited for an agent alone says for which (%s)', (code, params, sentence) => {
  const world = begun({})
  apply(world, { type: 'jobWaits', jobId: jobOf(world).id, reason: { code, params } })
  passTime(world)
  expect(reasonText(stepOf(world).reason!)).toBe(sentence)
})

test('an agent that takes it ends the limit; one that refuses it does not begin it anew', () => {
  const world = begun({})
  const limit = stepOf(world).dueAt
  proceed(world, jobOf(world))
  expect(stepOf(world).dueAt).toBe(null)
  const { id, epoch } = jobOf(world)
  apply(world, { type: 'jobRejected', jobId: id, epoch, reason: 'full' })
  expect(stepOf(world).dueAt).toEqual(limit)
  for (let n = 0; n < 4; n++) proceed(world, jobOf(world))
  expect(world.state.status).toBe(RunStatus.SUCCEEDED)
})

test('waiting for locks counts', () => {
  const world = begun({ locks: ['x'] }, 1)
  const limit = stepOf(world).dueAt
  expect(stepOf(world).awaits?.kind).toBe('locks')
  world.now = new Date(world.now.getTime() + 10 * second)
  world.locks.letOneGo()
  apply(world, { type: 'lockGiven', of: 'a#1', change: 1 })
  expect([stepOf(world).phase, stepOf(world).dueAt]).toEqual(['job', limit])
  const waits = begun({ locks: ['x'] }, 1)
  passTime(waits)
  expect([stepOf(waits).reason?.code, waits.locks.waiting()]).toEqual(['queue_timeout', []])

  const told = begun({ locks: ['x'] }, 1)
  const ahead = { runId: 'other', number: 3, pipeline: 'p', step: 'migrate', waits: false }
  apply(told, { type: 'lockWaits', of: 'a#1', change: 1, want: { kind: 'lock', name: 'x', most: 1 }, ahead })
  passTime(told)
  const why = stepOf(told).reason!
  expect(reasonText(why)).toBe('It did not get lock x within 1m: step migrate of run #3 of p had it.')
  expect(why.params.run).toBe('other')
})

test('the jitter of a delay keeps within its part, differs from attempt to attempt, and is the same when it is worked out again', () => {
  const delays = () => {
    const world = begun({ queueTimeoutMs: 0, retry: { max: 20, delayMs: 100 * second, jitter: 0.2 } })
    const found: number[] = []
    for (let n = 0; n < 20; n++) {
      for (let step = 0; step < 3; step++) proceed(world, jobOf(world))
      proceed(world, jobOf(world), Outcome.FAILED)
      found.push(stepOf(world).dueAt!.getTime() - world.now.getTime())
      passTime(world)
    }
    return found
  }
  const found = delays()
  expect(Math.min(...found)).toBeGreaterThanOrEqual(80 * second)
  expect(Math.max(...found)).toBeLessThanOrEqual(120 * second)
  expect(Math.max(...found) - Math.min(...found)).toBeGreaterThan(20 * second)
  expect(new Set(found).size).toBeGreaterThan(15)
  expect(delays()).toEqual(found)
})
