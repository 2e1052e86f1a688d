import { type RunStep, RunStepSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { StepStatus } from '@ansflow/proto/status'
import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { expect, test } from 'vitest'
import { partsOf, standsFor, together } from './together.ts'

function step(id: string, status: StepStatus, from?: number, to?: number): RunStep {
  return create(RunStepSchema, {
    id,
    status,
    ...(from !== undefined && { startedAt: timestampFromMs(from) }),
    ...(to !== undefined && { finishedAt: timestampFromMs(to) }),
  })
}

test('steps that a template brought are told of as one: what goes on, then what is worst, with the times of all', () => {
  const a = step('web/a', StepStatus.SUCCEEDED, 1000, 2000)
  const b = step('web/in/b', StepStatus.FAILED, 1500, 4000)
  const c = step('web/c', StepStatus.SKIPPED, undefined, 2000)
  const other = step('website', StepStatus.RUNNING)
  expect([a, b, other].map(({ id }) => standsFor(id))).toEqual(['web', 'web', 'website'])
  expect(partsOf('web', [a, b, c, other])).toEqual([a, b, c])
  const whole = together('web', [a, b, c])
  expect(whole).toMatchObject({ id: 'web', status: StepStatus.FAILED })
  expect([whole!.startedAt, whole!.finishedAt]).toEqual([a.startedAt, b.finishedAt])
  const running = together('web', [a, step('web/in/b', StepStatus.RUNNING, 3000), c])
  expect(running).toMatchObject({ status: StepStatus.RUNNING })
  expect([running!.startedAt, running!.finishedAt]).toEqual([a.startedAt, undefined])
  expect(together('web', [a, c])).toMatchObject({ status: StepStatus.SUCCEEDED })
  expect(together('web', [step('web/a', StepStatus.BLOCKED)])).toMatchObject({ status: StepStatus.BLOCKED })
  expect(together('web', [])).toBe(undefined)
})
