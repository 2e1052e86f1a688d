// Steps that await something from outside of their agents: a moment.

import { reason } from '@ansflow/proto/reasons'
import { StepStatus } from '@ansflow/proto/status'
import { startRun } from '../jobs/start-job.ts'
import type { StepState } from '../state.ts'
import { durationText } from '../timeout-reason.ts'
import { endStep, enter, setDue, type Turn } from '../turn.ts'
import { knownTimeoutOf } from '../values/own-values.ts'

/** The step ends at the moment, or fails at its own timeout where that comes first. */
export function awaitTime(turn: Turn, step: StepState, until: Date): void {
  const { now } = turn
  const timeoutMs = knownTimeoutOf(turn.state, step)
  step.queuedAt = now
  step.startedAt = now
  startRun(turn, step, now)
  if (until <= now) {
    endStep(turn, step, StepStatus.SUCCEEDED, null)
    return
  }
  const at = until.toISOString()
  enter(turn, step, { kind: 'time', until: at }, StepStatus.WAITING, reason('waiting_until', { until: at }))
  const timeout = now.getTime() + timeoutMs
  setDue(turn, step, timeoutMs > 0 && timeout < until.getTime() ? new Date(timeout) : until)
}

/** The moment has come, or the step's timeout before it. */
export function momentDue(turn: Turn, step: StepState, { until }: { until: string }): void {
  if (turn.now >= new Date(until)) {
    endStep(turn, step, StepStatus.SUCCEEDED, null)
  } else {
    endStep(turn, step, StepStatus.FAILED, reason('timeout', { after: durationText(knownTimeoutOf(turn.state, step)) }))
  }
}
