import { parsePipeline } from '@ansflow/proto/pipeline-yaml'
import { validateGraph } from '@ansflow/proto/validate'
import { describe, expect, it } from 'vitest'
import { isReplaced, placeIn, textFaults } from './yaml-state.ts'

const faultsOf = (steps: string) => textFaults(parsePipeline(`name: p\nsteps:\n${steps}`)).map(({ code }) => code)

describe('textFaults', () => {
  it('finds none in what a document can say, though it may be wrong', () => {
    expect(faultsOf('  a: { run: x }\n  b: { run: x, needs: [a] }\n')).toEqual([])
    expect(faultsOf('  a: { run: x, when: "inputs.nothing" }\n')).toEqual([])
  })

  it.each([
    ['unknown_need', '  m: { run: x }\n  b: { run: x, needs: [make] }\n'],
    ['self_need', '  a: { run: x, needs: [a] }\n'],
    ['cycle', '  a: { run: x, needs: [b] }\n  b: { run: x, needs: [a] }\n'],
  ])('keeps a text with %s as it is typed: the document would drop the need', (code, steps) => {
    expect(faultsOf(steps)).toEqual([code])
  })
})

describe('placeIn', () => {
  const text = `name: p
steps:
  ask:
    uses: http_request
    with:
      url: https://x.example
      retries: 99
  b:
    run: x
    when: steps.ask.outputs.none == "1"
`
  const found = validateGraph(parsePipeline(text).graph)

  it.each([
    ['ask', 'with.retries', 7, 16],
    ['b', 'when', 10, 11],
  ])('finds the line and column of what is wrong with %s/%s in the graph', (stepId, field, line, column) => {
    const problem = found.find((each) => each.stepId === stepId && each.field === field)!
    expect(problem.line).toBe(0)
    expect(placeIn(text, problem)).toEqual({ line, column })
  })

  it('finds the nearest thing around what the text does not say', () => {
    const [problem] = validateGraph(parsePipeline('name: p\nsteps:\n  w:\n    uses: wait\n').graph)
    expect(problem).toMatchObject({ stepId: 'w', field: 'with.duration' })
    expect(placeIn('name: p\nsteps:\n  w:\n    uses: wait\n', problem!)).toEqual({ line: 3, column: 3 })
  })
})

describe('isReplaced', () => {
  it.each([
    [['a', 'b'], ['c', 'd'], true],
    [[], ['a'], true],
    [['a'], ['a', 'b', 'c'], true],
    [['a', 'b'], ['a', 'c'], false],
    [['a', 'b'], [], false],
  ])('%j, then %j: %s', (before, now, replaced) => {
    expect(isReplaced(new Set(before), now)).toBe(replaced)
  })
})
