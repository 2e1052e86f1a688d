// Follows the ends of steps through the graph until nothing more is decided, then ends the run when every step has ended.
import { isTerminal, RunStatus, StepStatus } from '@ansflow/proto/status'
import { hasFailed, spreadFailure } from './plan.ts'
import { decideStep } from './ready.ts'
import { durationText, type Reason, reason } from './reasons.ts'
import type { RunState, StepState } from './state.ts'
import { blockedReason, setReason, type Turn } from './turn.ts'

export function settle(turn: Turn): void {
  for (let step = turn.ended.pop(); step; step = turn.ended.pop()) tellDependents(turn, step)
  const { state } = turn
  if (state.active.size === 0 && !isTerminal(state.status)) endRun(turn)
}

function tellDependents(turn: Turn, ended: StepState): void {
  if (ended.failedBefore || hasFailed(ended)) turn.touched += spreadFailure([ended])
  for (const step of ended.dependents) {
    turn.touched++
    step.needsLeft--
    if (step.status !== StepStatus.BLOCKED) continue
    if (step.needsLeft === 0) decideStep(turn, step)
    else setReason(turn, step, blockedReason(step))
  }
}

function endRun(turn: Turn): void {
  const { state } = turn
  const [status, why] = result(state)
  state.status = status
  state.reason = why
  state.finishedAt = turn.now
  state.wakeAt = null
  turn.runChanged = true
  turn.effects.push({ type: 'runFinished' })
}

function result(state: RunState): [RunStatus, Reason | null] {
  const lost = state.counts[StepStatus.LOST]!
  if (state.cancelCause === 'run_timeout') {
    return [RunStatus.FAILED, reason('run_timeout', { after: durationText(state.graph.timeoutMs) })]
  }
  if (state.failures > 0) return [RunStatus.FAILED, reason('failed_steps', { count: String(state.failures) })]
  if (lost > 0) return [RunStatus.LOST, reason('lost_steps', { count: String(lost) })]
  if (state.counts[StepStatus.CANCELED]! > 0) {
    return [RunStatus.CANCELED, reason('canceled', state.canceledByName ? { by: state.canceledByName } : {})]
  }
  return [RunStatus.SUCCEEDED, null]
}
