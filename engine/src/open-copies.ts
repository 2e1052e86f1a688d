// A step with a matrix runs: its copies are made, with what their values say.
import { interpolateValue } from '@ansflow/proto/expression'
import { limits } from '@ansflow/proto/limits'
import { expandMatrix, type MatrixValues } from '@ansflow/proto/matrix'
import { reason } from '@ansflow/proto/reasons'
import { StepStatus } from '@ansflow/proto/status'
import { noteLateLabels } from './jobs/workspace-labels.ts'
import type { StepState } from './state.ts'
import { copyStep, heldReason } from './step-state.ts'
import { endStep, enter, type Turn } from './turn.ts'
import { expressionContext, type Needs, pipelineEnv } from './values/job-context.ts'
import { nameOf } from './values/own-values.ts'

/** Makes the copies; they begin when the turn is settled. Throws a MatrixError or an ExpressionError. */
export function openCopies(turn: Turn, group: StepState, needs: Needs): void {
  const { state } = turn
  const context = expressionContext(state, group, needs, () => pipelineEnv(state, group, needs))
  const all = expandMatrix(group.definition.matrix!, (text) => interpolateValue(text, context))
  if (all.length === 0) endStep(turn, group, StepStatus.SKIPPED, reason('matrix_empty'))
  else if (state.copies + all.length > limits.copiesOfARun) {
    endStep(turn, group, StepStatus.FAILED, reason('matrix_full', { most: String(limits.copiesOfARun) }))
  } else makeCopies(turn, group, all)
}

function makeCopies(turn: Turn, group: StepState, all: readonly MatrixValues[]): void {
  const { state } = turn
  state.counts[group.status]!--
  group.copies = []
  for (const values of all) {
    const copy = copyStep(state, group, values)
    copy.reason = heldReason(group)
    state.active.add(copy)
    state.counts[copy.status]!++
    turn.steps.add(copy)
  }
  group.copiesLeft = all.length
  turn.touched += all.length
  enter(turn, group, 'copies', StepStatus.QUEUED, reason('copies', { count: String(all.length) }))
  group.queuedAt = turn.now
  turn.made.push(group)
}

/** What the values of each say of it, before any of them begins: those that share a workspace ask for labels together. */
export function* describeCopies({ state }: Turn, group: StepState): Generator<void> {
  for (const copy of group.copies!) {
    copy.name = nameOf(state, copy)
    noteLateLabels(state, copy)
    yield
  }
}
