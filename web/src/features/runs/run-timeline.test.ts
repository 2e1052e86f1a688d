// Waiting and running as spans, and the chain that made the run long.
import { StepDefinitionSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { type AttemptSchema, RunStepSchema, StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { expect, it } from 'vitest'
import { criticalPath, scaleStep, timelineOf } from './run-timeline.ts'

const at = (ms: number | undefined) => (ms === undefined ? {} : timestampFromMs(ms))
const attempt = (
  number: number,
  made: number,
  began?: number,
  ended?: number,
): MessageInitShape<typeof AttemptSchema> => ({
  number,
  createdAt: at(made),
  ...(began === undefined ? {} : { startedAt: at(began) }),
  ...(ended === undefined ? {} : { finishedAt: at(ended) }),
})
const step = (id: string, status: StepStatus, attempts: MessageInitShape<typeof AttemptSchema>[]) => {
  const began = attempts.find((one) => one.startedAt)?.startedAt
  const ended = attempts.at(-1)?.finishedAt
  return create(RunStepSchema, {
    id,
    status,
    attempts,
    ...(began ? { startedAt: began } : {}),
    ...(ended ? { finishedAt: ended } : {}),
  })
}
const map = (...steps: ReturnType<typeof step>[]) => new Map(steps.map((one) => [one.id, one]))
const needs = (id: string, ...ids: string[]) =>
  create(StepDefinitionSchema, { id, needs: ids.map((stepId) => ({ stepId })) })

it('draws every attempt with the wait before it', () => {
  const steps = map(step('a', StepStatus.SUCCEEDED, [attempt(1, 1000, 1200, 1500), attempt(2, 1600, 1700, 2700)]))
  const [row] = timelineOf([needs('a')], steps, 9000)
  expect(row?.spans.map(({ kind, from, to, status }) => `${kind} ${from}-${to} ${status}`)).toEqual([
    'queue 1000-1200 queued',
    'run 1200-1500 failed',
    'queue 1600-1700 queued',
    'run 1700-2700 succeeded',
  ])
  expect([row?.queuedMs, row?.ranMs]).toEqual([300, 1300])
})

it('lets what goes on last until now, and draws nothing for what has not begun', () => {
  const steps = map(
    step('a', StepStatus.RUNNING, [attempt(1, 1000, 1000)]),
    step('b', StepStatus.QUEUED, [attempt(1, 1500)]),
    step('c', StepStatus.BLOCKED, []),
  )
  const rows = timelineOf([needs('a'), needs('b'), needs('c', 'a')], steps, 2000)
  expect(rows.map(({ id, spans }) => `${id} ${spans.map(({ kind, from, to }) => `${kind} ${from}-${to}`)}`)).toEqual([
    'a run 1000-2000',
    'b queue 1500-2000',
    'c ',
  ])
})

it('finds the chain that the end waited for', () => {
  const done = (id: string, from: number, to: number) => step(id, StepStatus.SUCCEEDED, [attempt(1, from, from, to)])
  const steps = map(
    done('a', 0, 10),
    done('quick', 10, 20),
    done('slow', 10, 90),
    done('z', 90, 95),
    done('side', 0, 30),
  )
  const graph = [needs('a'), needs('quick', 'a'), needs('slow', 'a'), needs('z', 'quick', 'slow'), needs('side')]
  expect([...criticalPath(graph, steps)]).toEqual(['z', 'slow', 'a'])
})

it.each([
  [8_000, 8, 1000],
  [61_000, 8, 10_000],
  [3_600_000, 8, 600_000],
  [300, 8, 100],
])('marks %i ms about %i times', (total, count, step) => {
  expect(scaleStep(total, count)).toBe(step)
})
