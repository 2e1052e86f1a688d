// Decides about a step whose needs have all ended: whether it runs, and if not, why.
import { compileExpression, evaluateCondition, hasExpression } from '@ansflow/proto/expression'
import { type Need, NeedKind } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { type Reason, reason } from '@ansflow/proto/reasons'
import { StepStatus, statusWord } from '@ansflow/proto/status'
import { beginAttempt, failedReason } from './jobs/begin-attempt.ts'
import { openCopies } from './open-copies.ts'
import type { RunState, StepState } from './state.ts'
import { timeoutReason } from './timeout-reason.ts'
import { endStep, type Turn } from './turn.ts'
import { expressionContext, type Needs, needsOf } from './values/job-context.ts'
import { nameOf, readsMatrix } from './values/own-values.ts'

/** Begins the step, skips it or ends it; called once, when its last need ended, or when a copy may begin. */
export function decideStep(turn: Turn, step: StepState): void {
  const { definition } = step
  const { cancelLevel } = turn.state
  turn.touched += step.needs.length + 1
  if (hasExpression(definition.name) && !step.group) step.name = nameOf(turn.state, step)
  if (cancelLevel > 0 && !runsAfterCancel(turn.state, step)) {
    endStep(turn, step, StepStatus.CANCELED, cancelReason(turn))
    return
  }
  try {
    const unmet = firstUnmet(turn.state, step)
    // Its copies answer by themselves what speaks of their values.
    const when = isGroup(step) && readsMatrix(definition.when) ? '' : definition.when
    const usesStatus = compileExpression(definition.when || 'true').expression?.usesStatus
    if (definition.disabled) {
      endStep(turn, step, StepStatus.SKIPPED, unmet ?? reason('disabled'))
    } else if (!when) {
      if (unmet && !usesStatus) endStep(turn, step, StepStatus.SKIPPED, unmet)
      else begin(turn, step)
    } else {
      const needs = decidingNeeds(turn.state, step, unmet)
      if (evaluateCondition(when, expressionContext(turn.state, step, needs))) {
        begin(turn, step, needs)
      } else {
        endStep(turn, step, StepStatus.SKIPPED, unmet && !usesStatus ? unmet : reason('when_false', { when }))
      }
    }
  } catch (error) {
    endStep(turn, step, StepStatus.FAILED, failedReason(error, step.definition))
  }
}

function isGroup({ definition, group }: StepState): boolean {
  return definition.matrix !== undefined && !group
}

function begin(turn: Turn, step: StepState, needs?: Needs): void {
  if (isGroup(step)) openCopies(turn, step, needs ?? needsOf(turn.state, step))
  else beginAttempt(turn, step, needs)
}

/** What its `when` sees of them. Throws an ExpressionError. */
export function needsToDecide(state: RunState, step: StepState): Needs {
  return decidingNeeds(state, step, firstUnmet(state, step))
}

function decidingNeeds(state: RunState, step: StepState, unmet: Reason | undefined): Needs {
  return { ...needsOf(state, step), success: !unmet && state.cancelLevel === 0 }
}

function firstUnmet(state: RunState, step: StepState): Reason | undefined {
  for (const [index, need] of step.definition.needs.entries()) {
    const before = step.needs[index]!
    const params = { step: need.stepId, status: statusWord(before.status) }
    if (!isMet(need, before)) return reason('need_not_met', params)
    if (!need.condition || (isGroup(step) && readsMatrix(need.condition))) continue
    // That it names no status function means success() in a step's `when`, but not on an edge.
    const plain = compileExpression(need.condition).expression?.usesStatus === false
    const needs = needsOf(state, step)
    const context = expressionContext(state, step, plain ? { ...needs, success: true } : needs)
    if (!evaluateCondition(need.condition, context)) {
      return reason('need_not_met', { ...params, condition: need.condition })
    }
  }
  return undefined
}

function isMet(need: Need, { status, failureAllowed, reason: why }: StepState): boolean {
  switch (need.kind) {
    case NeedKind.ALWAYS:
      return true
    case NeedKind.FAILURE:
      return (status === StepStatus.FAILED && !failureAllowed) || status === StepStatus.LOST
    case NeedKind.SUCCESS:
    case NeedKind.UNSPECIFIED:
      if (status === StepStatus.SUCCEEDED || (status === StepStatus.FAILED && failureAllowed)) return true
      // A disabled step lets through what came before it.
      return status === StepStatus.SKIPPED && why?.code === 'disabled'
    default:
      // Stored by a controller newer than this one.
      return false
  }
}

const cancelCall = /\b(?:always|canceled)\s*\(/

/**
 * After a first cancel, steps whose condition speaks of it and holds still run, also those that run already; after a second,
 * none. One that waits for its needs is asked when they have ended.
 */
export function runsAfterCancel(state: RunState, step: StepState): boolean {
  const { disabled, when } = step.definition
  if (state.cancelLevel === 0) return true
  if (state.cancelLevel === 2 || disabled || !cancelCall.test(withoutTexts(when))) return false
  if (step.phase === 'blocked') return true
  try {
    return evaluateCondition(when, expressionContext(state, step, needsOf(state, step)))
  } catch {
    return false
  }
}

function withoutTexts(expression: string): string {
  return expression.replace(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/g, '""')
}

export function cancelReason({ state }: Turn): Reason {
  if (state.cancelCause === 'run_timeout') return timeoutReason(state)
  if (state.cancelCause !== 'person' && state.reason) return state.reason
  return reason('canceled', state.canceledByName ? { by: state.canceledByName } : {})
}
