// Canceling: of a run, at whatever state its steps are, and of one job.

import { type Reason, reason } from '@ansflow/proto/reasons'
import { isTerminalJob, JobStatus, RunStatus, StepStatus } from '@ansflow/proto/status'
import { cancelReason, runsAfterCancel } from './ready.ts'
import type { JobState, RunState, StepState } from './state.ts'
import { endStep, noteEarliest, setReason, type Turn, wake } from './turn.ts'
import { isControllerWork } from './work.ts'

/** How long steps that run after a cancel may take when nobody is there to cancel again: after a run's timeout. */
export const cleanupMs = 60_000

export function* cancelRun(turn: Turn, cause: RunState['cancelCause'], by = '', byName = ''): Generator<void> {
  const { state } = turn
  if (state.cancelLevel === 2) return
  turn.runChanged = true
  if (state.cancelLevel === 0) {
    state.cancelLevel = 1
    state.cancelCause = cause
    state.cancelRequestedAt = turn.now
    state.canceledBy = by
    state.canceledByName = byName
    if (state.status === RunStatus.RUNNING || state.status === RunStatus.QUEUED) {
      state.reason = reason('canceling', byName ? { by: byName } : {})
    }
  } else {
    state.cancelLevel = 2
  }
  for (const step of [...state.active]) {
    turn.touched++
    if (!runsAfterCancel(step, state.cancelLevel)) cancelStep(turn, step)
    yield
  }
}

/** After a run's timeout, cleanup steps get their time, then they are canceled too. */
export function* timeOutRun(turn: Turn): Generator<void> {
  const { state } = turn
  yield* cancelRun(turn, 'run_timeout')
  if (state.cancelLevel === 2) {
    state.deadline = null
    return
  }
  state.deadline = new Date(turn.now.getTime() + cleanupMs)
  if (noteEarliest(state, state.deadline)) wake(turn, state.deadline)
}

function cancelStep(turn: Turn, step: StepState): void {
  const job = step.attempts.at(-1)
  if (step.phase !== 'job' || !job || isTerminalJob(job.status)) {
    if (step.phase === 'awaiting' && job && !isTerminalJob(job.status)) {
      endJob(turn, job, JobStatus.CANCELED, cancelReason(turn))
    }
    endStep(turn, step, StepStatus.CANCELED, cancelReason(turn))
    return
  }
  if (job.status === JobStatus.QUEUED) {
    endJob(turn, job, JobStatus.CANCELED, cancelReason(turn))
    endStep(turn, step, StepStatus.CANCELED, cancelReason(turn))
    return
  }
  const by = turn.state.canceledByName
  cancelJob(turn, job, reason('canceling', by ? { by } : {}))
}

/** Asks to stop a job that may run: the step ends when its agent says so, or whoever offered it has taken it back. */
export function cancelJob(turn: Turn, job: JobState, why: Reason): void {
  if (job.cancelRequested) return
  job.cancelRequested = true
  turn.jobs.add(job)
  setReason(turn, job.step, why)
  turn.effects.push({ type: 'cancelJob', jobId: job.id, agentId: job.agentId })
}

export function endJob(turn: Turn, job: JobState, status: JobStatus, why: Reason | null): void {
  job.status = status
  job.reason = why
  job.finishedAt = turn.now
  turn.jobs.add(job)
  if (isControllerWork(job)) turn.effects.push({ type: 'workEnded', jobId: job.id })
}
