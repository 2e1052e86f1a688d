// What is assumed of the steps that an explained step needs. Pure.
import { compileExpression } from '@ansflow/proto/expression'
import { ExplainedOutcome, type ExplainedStep } from '@ansflow/proto/gen/ansflow/v1/explain_pb'
import { NeedKind, type StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'

export interface NeedsOf {
  met: boolean
  /** Keys of those that are assumed to succeed, or to fail, and of those that would not run. */
  passing: string[]
  failing: string[]
  unrun: string[]
}

/** Undefined: it needs no step to succeed, or its condition asks itself how they ended. */
export function needsOf(
  step: ExplainedStep,
  definition: StepDefinition | undefined,
  stepOf: (key: string) => ExplainedStep | undefined,
  failing: string,
): NeedsOf | undefined {
  if (!definition || compileExpression(definition.when || 'true').expression?.usesStatus) return undefined
  const keys = definition.needs.flatMap(({ stepId, kind }) =>
    kind === NeedKind.FAILURE || kind === NeedKind.ALWAYS ? [] : [stepId],
  )
  if (keys.length === 0) return undefined
  const found: NeedsOf = { met: step.reasonInfo?.code !== 'need_not_met', passing: [], failing: [], unrun: [] }
  for (const key of keys) {
    const outcome = stepOf(key)?.outcome
    const isUnrun = outcome === ExplainedOutcome.SKIPPED || outcome === ExplainedOutcome.FAILS
    const list = isUnrun ? found.unrun : key === failing ? found.failing : found.passing
    list.push(key)
  }
  return found
}
