// Which files of reports an attempt's agent is asked for.
import {
  type ExpressionContext,
  ExpressionError,
  hasExpression,
  interpolateValue,
  toText,
} from '@ansflow/proto/expression'
import { reportGlobProblem, reportLists } from '@ansflow/proto/fields/reports'
import { type StepReports, StepReportsSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { limits } from '@ansflow/proto/limits'
import { runsScript } from '@ansflow/proto/steps/index'
import { say } from '@ansflow/proto/texts/say'
import { create, type JsonValue } from '@bufbuild/protobuf'
import type { StepState } from '../state.ts'

/** Nothing where none are asked for. An expression that gives a list stands for all of it, "" for none. Throws an ExpressionError. */
export function reportsOf({ definition }: StepState, context: ExpressionContext): { reports?: StepReports } {
  const { reports, uses } = definition
  if (!reports || !runsScript(uses)) return {}
  const found = create(StepReportsSchema)
  for (const list of reportLists) found[list] = globsOf(reports[list], context)
  return found.junit.length + found.coverage.length > 0 ? { reports: found } : {}
}

function globsOf(written: readonly string[], context: ExpressionContext): string[] {
  if (!written.some(hasExpression)) return [...written]
  const globs = written.flatMap((glob) => {
    if (!hasExpression(glob)) return [glob]
    const value: JsonValue = interpolateValue(glob, context)
    return (Array.isArray(value) ? value : [value]).map((each) => toText(each).trim()).filter((each) => each !== '')
  })
  if (globs.length > limits.reportGlobs) throw new ExpressionError(say('many_globs', { most: limits.reportGlobs }))
  const said = globs.map(reportGlobProblem).find((each) => each !== undefined)
  if (said) throw new ExpressionError(said)
  return globs
}
