// The step a run page shows by itself.
import { type RunStep, RunStepSchema, StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { asksPeople, nextFailed, pickStep, stepStatusName, walkOf } from './pick-step.ts'

const { BLOCKED, RUNNING, SUCCEEDED, FAILED, SKIPPED } = StepStatus
const step = (id: string, status: StepStatus, failureAllowed = false) =>
  create(RunStepSchema, {
    id,
    status,
    failureAllowed,
    attempts: status === BLOCKED || status === SKIPPED ? [] : [{ number: 1 }],
  })

describe('with nothing shown yet', () => {
  it.each([
    ['the first failure', [step('a', RUNNING), step('b', FAILED), step('c', FAILED)], 'b'],
    ['no failure that was allowed', [step('a', FAILED, true), step('b', RUNNING)], 'b'],
    ['else the first that runs', [step('a', SUCCEEDED), step('b', RUNNING), step('c', RUNNING)], 'b'],
    ['else the last that ran', [step('a', SUCCEEDED), step('b', SUCCEEDED), step('c', SKIPPED)], 'b'],
    ['else the first', [step('a', BLOCKED), step('b', BLOCKED)], 'a'],
  ])('picks %s', (_, steps, id) => {
    expect(pickStep(steps, undefined)?.id).toBe(id)
  })
})

describe('with one shown', () => {
  it('stays with it while it runs, whatever starts or fails beside it', () => {
    const shown = step('b', RUNNING)
    expect(pickStep([step('a', RUNNING), shown, step('c', FAILED)], shown)).toBe(shown)
  })
  it('goes to the failure, then to what runs, once it has ended', () => {
    const shown = step('b', SUCCEEDED)
    expect(pickStep([step('a', RUNNING), shown, step('c', FAILED)], shown)?.id).toBe('c')
    expect(pickStep([step('a', RUNNING), shown], shown)?.id).toBe('a')
  })
  it('stays when nothing is more telling', () => {
    const shown = step('a', SUCCEEDED)
    expect(pickStep([shown, step('b', SUCCEEDED)], shown)).toBe(shown)
  })
})

it('walks the failures round', () => {
  const steps = [step('a', FAILED), step('b', SUCCEEDED), step('c', FAILED)]
  expect(nextFailed(steps, 'a')?.id).toBe('c')
  expect(nextFailed(steps, 'c')?.id).toBe('a')
  expect(nextFailed(steps, undefined)?.id).toBe('a')
  expect(nextFailed([step('b', SUCCEEDED)], 'b')).toBeUndefined()
})

it('shows a failure that was allowed as a warning', () => {
  expect(stepStatusName(step('a', FAILED, true))).toBe('warning')
  expect(stepStatusName(step('a', FAILED))).toBe('failed')
  expect(stepStatusName(step('a', SUCCEEDED))).toBe('succeeded')
})

it('tells a wait for people from others, and shows it where nothing runs', () => {
  const asks = { ...step('ask', StepStatus.WAITING), reasonInfo: { code: 'approval_waits', params: {} } } as RunStep
  const waits = { ...step('pause', StepStatus.WAITING), reasonInfo: { code: 'waiting_until', params: {} } } as RunStep
  expect([asks, waits, step('a', RUNNING)].map(asksPeople)).toEqual([true, false, false])
  expect(pickStep([step('a', SUCCEEDED), waits, asks], undefined)?.id).toBe('ask')
  expect(pickStep([asks, step('b', RUNNING)], undefined)?.id).toBe('b')
})

describe('the line between two steps', () => {
  const began = (status: StepStatus) => create(RunStepSchema, { status, startedAt: { seconds: 1n } })
  const never = (status: StepStatus) => create(RunStepSchema, { status })
  const { CANCELED } = StepStatus
  it.each([
    ['is ahead of what is to come', began(SUCCEEDED), never(BLOCKED), 'ahead'],
    ['is live to what runs', began(SUCCEEDED), began(RUNNING), 'live'],
    ['is walked to what has run', began(SUCCEEDED), began(FAILED), 'done'],
    ['is walked to what was canceled while it ran', began(SUCCEEDED), began(CANCELED), 'done'],
    ['is not walked to what was canceled before it began', began(SUCCEEDED), never(CANCELED), 'skipped'],
    ['is not walked between steps of a run that never began', never(CANCELED), never(CANCELED), 'skipped'],
    ['is not walked to what was skipped', began(FAILED), never(SKIPPED), 'skipped'],
    ['is not walked from what was skipped', never(SKIPPED), began(SUCCEEDED), 'skipped'],
    ['is ahead where nothing is known yet', undefined, undefined, 'ahead'],
  ] as const)('%s', (_, from, to, walk) => {
    expect(walkOf(from, to)).toBe(walk)
  })
})
