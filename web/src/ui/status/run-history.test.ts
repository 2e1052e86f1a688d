// What the last runs say: order, shares, medians and trends.

import { type Run, RunSchema, RunStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { expect, it } from 'vitest'
import { barCount, historiesOf, median } from './run-history.ts'

const start = 1_700_000_000_000

function run(pipelineId: string, number: number, status: RunStatus, ms?: number): Run {
  return create(RunSchema, {
    id: `${pipelineId}-${number}`,
    number,
    pipelineId,
    status,
    startedAt: timestampFromMs(start),
    ...(ms === undefined ? {} : { finishedAt: timestampFromMs(start + ms) }),
  })
}

it('groups by pipeline, the one that ran last first, bars oldest first', () => {
  const histories = historiesOf(
    [run('b', 7, RunStatus.RUNNING), run('a', 3, RunStatus.FAILED, 900), run('b', 6, RunStatus.SUCCEEDED, 400)],
    start + 100,
  )
  expect(histories.map((history) => history.pipelineId)).toEqual(['b', 'a'])
  expect(histories[0]?.bars.map(({ number, status, ms }) => [number, status, ms])).toEqual([
    [6, 'succeeded', 400],
    [7, 'running', 100],
  ])
})

it('counts only runs that ended by themselves', () => {
  const [history] = historiesOf(
    [
      run('a', 4, RunStatus.CANCELED, 10),
      run('a', 3, RunStatus.SUCCEEDED, 300),
      run('a', 2, RunStatus.LOST, 50),
      run('a', 1, RunStatus.SUCCEEDED, 100),
    ],
    start,
  )
  expect(history?.passRate).toBeCloseTo(2 / 3)
  expect(history?.medianMs).toBe(200)
})

it('tells a trend from enough runs only', () => {
  const runs = (...newestFirst: number[]) =>
    newestFirst.map((ms, index) => run('a', 100 - index, RunStatus.SUCCEEDED, ms))
  expect(historiesOf(runs(900, 900, 900, 100), start)[0]?.trend).toBe('same')
  expect(historiesOf(runs(900, 900, 900, 900, 100, 100, 100, 100), start)[0]?.trend).toBe('slower')
  expect(historiesOf(runs(50, 50, 50, 50, 100, 100, 100, 100), start)[0]?.trend).toBe('faster')
})

it('keeps the newest bars', () => {
  const many = Array.from({ length: 50 }, (_, index) => run('a', 50 - index, RunStatus.SUCCEEDED, 10))
  const bars = historiesOf(many, start)[0]?.bars ?? []
  expect(bars).toHaveLength(barCount)
  expect(bars.at(-1)?.number).toBe(50)
})

it('has no median of nothing', () => {
  expect(median([])).toBeUndefined()
  expect(median([3, 1, 2])).toBe(2)
})
