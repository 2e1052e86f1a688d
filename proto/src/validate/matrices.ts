// How many copies the matrices of a pipeline make, as far as that is known without a run.
import type { StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { limits } from '../limits.ts'
import { combinationsOf, isKnownMatrix, knownCopies, MatrixError, tooMany } from '../matrix.ts'
import { say } from '../texts/say.ts'
import type { Report } from './finding.ts'

/** Combinations that are looked at, each with the entries of include and exclude: beyond, a run finds out. */
const mostWork = 30_000

export function checkMatrices(steps: readonly StepDefinition[], report: Report): void {
  let work = 0
  let count = 0
  for (const step of steps) {
    const { id: stepId, matrix } = step
    if (!matrix || !isKnownMatrix(matrix) || matrix.axes.some(({ values }) => values.length === 0)) continue
    const size = combinationsOf(matrix)
    const changes = matrix.include.length + matrix.exclude.length
    work += Math.min(size, limits.matrixCombinations) * (1 + changes)
    if (work > mostWork) {
      if (changes > 0) continue
      count += size
      if (size > limits.matrixCopies) report({ stepId, field: 'matrix', code: 'matrix', said: tooMany(size) })
      continue
    }
    try {
      const copies = knownCopies(matrix).length
      count += copies
      if (copies === 0) report({ stepId, field: 'matrix', code: 'matrix', said: say('matrix_none'), warning: true })
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error
      report({ stepId, field: 'matrix', code: 'matrix', said: error.said })
    }
  }
  if (count <= limits.copiesOfARun) return
  report({ code: 'limit', field: 'steps', said: say('matrices_many', { count, most: limits.copiesOfARun }) })
}
