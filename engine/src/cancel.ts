// Canceling: of a run, at whatever state its steps are, and of one job.

import { type Reason, reason } from '@ansflow/proto/reasons'
import { isTerminalJob, JobStatus, RunStatus, StepStatus } from '@ansflow/proto/status'
import { isControllerWork } from './kinds/work.ts'
import { cancelReason, runsAfterCancel } from './ready.ts'
import type { JobState, RunState, StepState } from './state.ts'
import { endStep, noteEarliest, setReason, type Turn, wake } from './turn.ts'

/** How long steps that run after a cancel may take when nobody is there to cancel again: after a run's timeout. */
export const cleanupMs = 60_000

/** `why`: what is said of the run from now on; where nobody has asked for it. */
export function* cancelRun(
  turn: Turn,
  cause: RunState['cancelCause'],
  { by = '', byName = '', why }: { by?: string; byName?: string; why?: Reason } = {},
): Generator<void> {
  const { state } = turn
  if (state.cancelLevel === 2) return
  turn.runChanged = true
  if (state.cancelLevel === 0) {
    // What has not begun has nothing to clean up.
    state.cancelLevel = state.status === RunStatus.WAITING ? 2 : 1
    state.cancelCause = cause
    state.cancelRequestedAt = turn.now
    state.canceledBy = by
    state.canceledByName = byName
    state.reason = why ?? reason('canceling', byName ? { by: byName } : {})
  } else {
    state.cancelLevel = 2
  }
  for (const step of [...state.active]) {
    // What has copies ends with them.
    if (step.phase !== 'copies' && !runsAfterCancel(state, step)) cancelStep(turn, step)
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
  const by = turn.state.canceledByName
  const job = withdraw(turn, step, cancelReason(turn))
  if (job) cancelJob(turn, job, reason('canceling', by ? { by } : {}))
}

/** It is not needed any more, and not because of people: the reason is with its job until that has ended. */
export function stopStep(turn: Turn, step: StepState, why: Reason): void {
  const job = withdraw(turn, step, why)
  if (!job || job.cancelRequested) return
  job.reason = why
  cancelJob(turn, job, why)
}

/** Ends a step that has no process; else answers its job. */
function withdraw(turn: Turn, step: StepState, why: Reason): JobState | undefined {
  turn.touched++
  const job = step.attempts.at(-1)
  const isOpen = job !== undefined && !isTerminalJob(job.status)
  if (step.phase === 'job' && isOpen && job.status !== JobStatus.QUEUED) return job
  if ((step.phase === 'job' || step.phase === 'awaiting') && isOpen) endJob(turn, job, JobStatus.CANCELED, why)
  endStep(turn, step, StepStatus.CANCELED, why)
  return undefined
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
