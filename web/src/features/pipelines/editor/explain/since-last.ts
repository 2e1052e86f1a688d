// What would run other than in the last run. Pure.
import type { ExplainedStep, LastRun } from '@ansflow/proto/gen/ansflow/v1/explain_pb'
import { runs } from './explain-text.ts'

export interface SinceLast {
  runId: string
  number: number
  /** Steps that ran then and would not now, and the other way round; those that the pipeline has. */
  less: ExplainedStep[]
  more: ExplainedStep[]
}

export function sinceLast(last: LastRun | undefined, steps: readonly ExplainedStep[]): SinceLast | undefined {
  if (!last) return undefined
  const ran = new Set(last.ran)
  const whole = steps.filter(({ copyOf }) => !copyOf)
  return {
    runId: last.runId,
    number: last.number,
    less: whole.filter((step) => ran.has(step.id) && !runs(step)),
    more: whole.filter((step) => !ran.has(step.id) && runs(step)),
  }
}
