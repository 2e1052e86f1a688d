import { parsePipeline } from '@ansflow/proto/pipeline-yaml'
import { describe, expect, it } from 'vitest'
import { textFaults } from './yaml-state.ts'

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
