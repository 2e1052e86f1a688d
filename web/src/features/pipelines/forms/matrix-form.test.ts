// What people type into the form of a matrix is what the file would say.
import { parsePipeline } from '@ansflow/proto/pipeline-yaml'
import { expect, it } from 'vitest'
import { axesOf, axisOf, columnsOf, countCopies, freeAxisName, readValue, valueText, withCell } from './matrix-form.ts'

it.each([
  ['22', 22],
  ['-1.5', -1.5],
  ['1.10', '1.10'],
  ['007', '007'],
  ['true', true],
  ['"true"', 'true'],
  ['"22"', '22'],
  ['a b', 'a b'],
  ['${{ inputs.a }}', '${{ inputs.a }}'],
])('%s is read as %j and written back', (text, value) => {
  expect(readValue(text)).toBe(value)
  expect(valueText(value)).toBe(text)
})

it('takes one expression for the whole list', () => {
  expect(axisOf('a', ['${{ fromJSON(inputs.a) }}'])).toEqual({ name: 'a', from: '${{ fromJSON(inputs.a) }}' })
  expect(axisOf('a', ['${{ inputs.a }}', '2'])).toEqual({ name: 'a', values: ['${{ inputs.a }}', 2] })
  expect(freeAxisName([axisOf('axis', []), axisOf('axis2', [])])).toBe('axis3')
})

const matrixOf = (text: string) =>
  parsePipeline(`name: x\nsteps: { a: { run: x, matrix: ${text} } }\n`).graph.steps[0]!.matrix!

it('counts copies, and says when they are many or not known', () => {
  expect(countCopies(matrixOf('{ a: [1, 2], b: [1, 2], exclude: [{ a: 1 }] }'))).toEqual({ count: 2, many: false })
  expect(countCopies(matrixOf(`{ a: [${'1,'.repeat(51)}] }`))).toEqual({ count: 51, many: true })
  expect(countCopies(matrixOf('{ a: "${{ fromJSON(inputs.a) }}" }'))).toEqual({ count: undefined, many: false })
})

it('makes a table of include and exclude', () => {
  const matrix = matrixOf('{ a: [1], include: [{ a: 1, c: x }] }')
  expect(columnsOf(axesOf(matrix), matrix.include)).toEqual(['a', 'c'])
  expect(withCell(matrix.include, 0, 'c', '5')).toEqual([{ a: 1, c: 5 }])
  expect(withCell(matrix.include, 0, 'a', ' ')).toEqual([{ c: 'x' }])
})
