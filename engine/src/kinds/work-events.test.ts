import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { reason, reasonText, sentence } from '@ansflow/proto/reasons'
import { JobStatus, RunStatus, StepStatus } from '@ansflow/proto/status'
import { expect, test } from 'vitest'
import { apply, graphOf, newWorld, type StepInit, type World } from '../../test/world.ts'
import type { JobState } from '../state.ts'

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

test.each([
  [
    { expectStatus: ['200', '${{ "2xx" }}'] },
    'Expected status (expectStatus[1]) cannot be "2xx". For example: `200-299`. The value came from ${{ "2xx" }}.',
    '期望状态（expectStatus[1]）不能是 "2xx"。例如：`200-299`。（该值来自 ${{ "2xx" }}）',
  ],
  [
    { retries: '${{ 5 * 3 }}' },
    'Tries after the first (retries) must be at most 10, not 15. The value came from ${{ 5 * 3 }}.',
    '重试次数（retries）不能大于 10，而现在是 15。（该值来自 ${{ 5 * 3 }}）',
  ],
  [
    { timeout: '${{ "1" + "h" }}' },
    'Timeout of a try (timeout): One try may take at most 10m. The value came from ${{ "1" + "h" }}.',
    '单次超时（timeout）：单次尝试最长 10m。（该值来自 ${{ "1" + "h" }}）',
  ],
  [
    { url: 'ftp://${{ "x" }}/?k=${TOKEN}', expectStatus: [], method: '${{ "SEND" }}' },
    'Method must be one of GET, POST, PUT, PATCH, DELETE, HEAD, not "SEND". The value came from ${{ "SEND" }}.',
    '方法（method）须为 GET, POST, PUT, PATCH, DELETE, HEAD 之一，而不是 "SEND"。（该值来自 ${{ "SEND" }}）',
  ],
])('a parameter that is wrong with its values says which, what and what may be: %j', (given, en, zh) => {
  const world = begun([{ ...ask, secrets: ['TOKEN'], with: { ...ask.with, ...given } }])
  const { status, reason: why } = step(world)
  expect(status).toBe(StepStatus.FAILED)
  expect(reasonText(why!)).toBe(en)
  expect(sentence(why!.code, why!.params, 'zh-CN')).toBe(zh)
})

test('the place of a secret is shown as its author wrote it', () => {
  const headers = { a: '${TOKEN}'.repeat(3), b: ['${TOKEN}'] as unknown as string }
  const world = begun([{ ...ask, secrets: ['TOKEN'], with: { url: 'x-${TOKEN}', method: '${TOKEN}', headers } }])
  expect(reasonText(step(world).reason!)).toBe(
    'Method must be one of GET, POST, PUT, PATCH, DELETE, HEAD, not "${TOKEN}".',
  )
})
