// Follows the ends of steps through the graph until nothing more is decided, then ends the run when every step has ended.

import { type Reason, reason, saidReason } from '@ansflow/proto/reasons'
import { isTerminal, RunStatus, StepStatus } from '@ansflow/proto/status'
import { copyEnded, releaseCopies } from './copies.ts'
import { describeCopies } from './open-copies.ts'
import { hasFailed, spreadFailure } from './plan.ts'
import { decideStep } from './ready.ts'
import type { RunState, StepState } from './state.ts'
import { timeoutReason } from './timeout-reason.ts'
import { blockedReason, setPin, setReason, type Turn } from './turn.ts'
import { runOutputs } from './values/run-outputs.ts'

export function* settle(turn: Turn): Generator<void> {
  while (turn.made.length > 0 || turn.opened.size > 0 || turn.ended.length > 0) {
    for (const group of turn.made.splice(0)) {
      yield* describeCopies(turn, group)
      turn.opened.add(group)
    }
    for (const group of turn.opened) {
      turn.opened.delete(group)
      yield* releaseCopies(turn, group)
    }
    const step = turn.ended.pop()
    if (step) yield* step.group ? copyEnded(turn, step) : tellDependents(turn, step)
    yield
  }
  const { state } = turn
  if (state.active.size === 0 && !isTerminal(state.status)) endRun(turn)
}

function* tellDependents(turn: Turn, ended: StepState): Generator<void> {
  if (ended.failedBefore || hasFailed(ended)) turn.touched += spreadFailure([ended])
  for (const step of ended.dependents) {
    turn.touched++
    step.needsLeft--
    if (step.phase !== 'blocked') continue
    if (step.needsLeft === 0) decideStep(turn, step)
    else setReason(turn, step, blockedReason(step))
    yield
  }
}

function endRun(turn: Turn): void {
  const { state } = turn
  const [status, why] = result(state)
  state.status = status
  state.reason = why
  state.finishedAt = turn.now
  state.wakeAt = null
  if (state.graph.concurrency) turn.locks.push({ type: 'returned', of: '' })
  turn.runChanged = true
  for (const workspace of [...state.pins.keys()]) setPin(turn, workspace, null)
  turn.effects.push({ type: 'runFinished' })
}

function result(state: RunState): [RunStatus, Reason | null] {
  const lost = state.counts[StepStatus.LOST]!
  if (state.cancelCause === 'run_timeout') return [RunStatus.FAILED, timeoutReason(state)]
  if (state.cancelCause === 'group') return [RunStatus.FAILED, state.reason]
  const canceled = state.counts[StepStatus.CANCELED]! > 0
  // A cleanup that fails after a cancel does not make a failure of it; it is said.
  const stopped = canceled && (state.cancelCause === 'person' || state.cancelCause === 'superseded')
  if (state.failures > 0 && !stopped)
    return [RunStatus.FAILED, reason('failed_steps', { count: String(state.failures) })]
  if (lost > 0) return [RunStatus.LOST, reason('lost_steps', { count: String(lost) })]
  if (canceled) {
    if (state.cancelCause === 'superseded') return [RunStatus.CANCELED, state.reason]
    const stopped =
      state.cancelCause === null && [...state.steps.values()].find(({ reason: why }) => why && byOthers.has(why.code))
    if (stopped && state.failures === 0) return [RunStatus.CANCELED, stopped.reason]
    const by = state.canceledByName ? { by: state.canceledByName } : {}
    const failed = state.failures > 0 ? { failed: String(state.failures) } : {}
    return [RunStatus.CANCELED, reason('canceled', { ...by, ...failed })]
  }
  return succeeded(state)
}

/** What of a step that was canceled for itself says why. */
const byOthers: ReadonlySet<string> = new Set(['agent_stopped', 'child_ended'])

function succeeded(state: RunState): [RunStatus, Reason | null] {
  const told = runOutputs(state)
  if ('problem' in told) return [RunStatus.FAILED, saidReason('run_output', told.problem, { output: told.output })]
  state.outputs = told.outputs
  return [RunStatus.SUCCEEDED, null]
}
