// When steps would go on, if each takes as long as it usually does.
import { UsualTimeSchema } from '@ansflow/proto/gen/ansflow/v1/explain_pb'
import { StepDefinitionSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create } from '@bufbuild/protobuf'
import { expect, it } from 'vitest'
import { expectedTime } from './expected-time.ts'

const define = (id: string, needs: string[] = [], uses = 'custom') =>
  create(StepDefinitionSchema, { id, uses, needs: needs.map((stepId) => ({ stepId })) })
const foreseen = (id: string, wave: number) => ({ id, name: id, copies: 0, wave })
const usual = (times: Record<string, number>) =>
  new Map(Object.entries(times).map(([stepId, medianMs]) => [stepId, create(UsualTimeSchema, { stepId, medianMs })]))

it('begins each step when what it needs has ended, and marks the longest way', () => {
  const { rows, totalMs, people, unknown } = expectedTime(
    [
      foreseen('end', 5),
      foreseen('a', 1),
      foreseen('quick', 2),
      foreseen('slow', 2),
      foreseen('ask', 3),
      foreseen('new', 4),
    ],
    [
      define('end', ['new']),
      define('a'),
      define('quick', ['a']),
      define('slow', ['a']),
      define('ask', ['quick', 'slow'], 'approval'),
      define('new', ['ask']),
    ],
    usual({ a: 10, quick: 5, slow: 50, ask: 9000, end: 1 }),
  )
  expect(rows.map(({ id, from, to, takes, critical }) => [id, from, to, takes, critical])).toEqual([
    ['a', 0, 10, 'usual', true],
    ['quick', 10, 15, 'usual', false],
    ['slow', 10, 60, 'usual', true],
    ['ask', 60, 60, 'people', true],
    ['new', 60, 60, 'unknown', true],
    ['end', 60, 61, 'usual', true],
  ])
  expect([totalMs, people, unknown]).toEqual([61, 1, 1])
})

it('goes across steps that would not run', () => {
  const { rows } = expectedTime(
    [foreseen('a', 1), foreseen('off', 0), foreseen('b', 2)],
    [define('a'), define('off', ['a']), define('b', ['off'])],
    usual({ a: 10, off: 99, b: 1 }),
  )
  expect(rows.map(({ id, from, critical }) => [id, from, critical])).toEqual([
    ['a', 0, true],
    ['b', 10, true],
  ])
})

it('says nothing of a way when nothing is known', () => {
  const time = expectedTime([foreseen('a', 1)], [define('a')], usual({}))
  expect(time).toMatchObject({ totalMs: 0, unknown: 1, rows: [{ takes: 'unknown', critical: false }] })
})
