// What is told of the step that is looked at: what is assumed of those that it needs, and where its last durations stand.
import { ExplainedOutcome, ExplainedStepSchema } from '@ansflow/proto/gen/ansflow/v1/explain_pb'
import { NeedKind, StepDefinitionSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { placeDots } from './dots.ts'
import { needsOf } from './needs-of.ts'

const { RUNS, SKIPPED } = ExplainedOutcome
const explained = (id: string, outcome = RUNS, code = '') =>
  create(ExplainedStepSchema, { id, outcome, ...(code && { reasonInfo: { code } }) })
const all = [explained('a'), explained('b'), explained('c', SKIPPED)]
const stepOf = (key: string) => all.find(({ id }) => id === key)
const wanting = (needs: { stepId: string; kind?: NeedKind }[], when = '') =>
  create(StepDefinitionSchema, { id: 's', when, needs })

describe('the steps that a step needs', () => {
  it('are told by what is assumed of them', () => {
    const definition = wanting([{ stepId: 'a' }, { stepId: 'b', kind: NeedKind.SUCCESS }, { stepId: 'c' }])
    const step = explained('s', SKIPPED, 'need_not_met')
    expect(needsOf(step, definition, stepOf, 'b')).toEqual({ met: false, passing: ['a'], failing: ['b'], unrun: ['c'] })
    expect(needsOf(explained('s', SKIPPED, 'when_false'), definition, stepOf, '')).toMatchObject({ met: true })
  })

  it('are not told where nothing asks for their success', () => {
    expect(needsOf(explained('s'), wanting([]), stepOf, '')).toBe(undefined)
    expect(needsOf(explained('s'), wanting([{ stepId: 'a', kind: NeedKind.FAILURE }]), stepOf, '')).toBe(undefined)
    expect(needsOf(explained('s'), wanting([{ stepId: 'a' }], 'always()'), stepOf, '')).toBe(undefined)
    expect(needsOf(explained('s'), undefined, stepOf, '')).toBe(undefined)
  })
})

describe('durations', () => {
  it('stand between the shortest and the longest', () => {
    const placed = placeDots({ tookMs: [1000, 2000, 5000], medianMs: 2000, p95Ms: 5000 })
    expect(placed).toMatchObject({ median: 0.25, p95: 1, isClose: false })
    expect(placed?.dots.map(({ x }) => x)).toEqual([0, 0.25, 1])
  })

  it('that are all the same stand in the middle, and one says nothing', () => {
    const placed = placeDots({ tookMs: [7, 7], medianMs: 7, p95Ms: 7 })
    expect(placed).toMatchObject({ median: 0.5, p95: 0.5, isClose: true })
    expect(placed?.dots.map(({ x }) => x)).toEqual([0.5, 0.5])
    expect(placeDots({ tookMs: [7], medianMs: 7, p95Ms: 7 })).toBe(undefined)
  })
})
