// The only code that decides a run's next state.
import { isTerminal, JobStatus } from '@ansflow/proto/status'
import { cancelRun, timeOutRun } from './cancel.ts'
import { lockEvent, mayBegin } from './gates/lock-events.ts'
import { beginAttempt } from './jobs/begin-attempt.ts'
import { overdue, queueTimedOut } from './jobs/finish-job.ts'
import { jobEvent } from './jobs/job-events.ts'
import { approvalDecided, approvalDue } from './kinds/approval.ts'
import { momentDue } from './kinds/await.ts'
import { childEvent, childOverdue } from './kinds/child-run.ts'
import { workEvent, workOverdue } from './kinds/work-events.ts'
import { decideStep } from './ready.ts'
import { settle } from './settle.ts'
import type { Changes, RunEvent, RunState, StepState } from './state.ts'
import { closeTurn, openTurn, type Turn, wake } from './turn.ts'

/**
 * Works one event into the state, in place, and says what changed. Total: an event that does not fit changes nothing. Costs as
 * much as the steps it concerns, not as the run; yields after each, so that others have their turn: until it ends the state is
 * half changed. A caller that cannot commit the changes must drop the state.
 */
export function* advance(state: RunState, event: RunEvent, now: Date): Generator<void, Changes> {
  const turn = openTurn(state, now)
  const stale = (yield* apply(turn, event)) === 'stale'
  yield* settle(turn)
  return closeTurn(turn, stale)
}

function* apply(turn: Turn, event: RunEvent): Generator<void, 'done' | 'stale'> {
  const { state } = turn
  if (isTerminal(state.status) && !('jobId' in event)) return 'done'
  switch (event.type) {
    case 'started':
      if (turn.state.deadline) wake(turn, turn.state.deadline)
      if (yield* mayBegin(turn)) yield* begin(turn)
      return 'done'
    case 'lockGiven':
    case 'lockWaits':
    case 'lockRefused':
    case 'superseded':
      if (yield* lockEvent(turn, event)) yield* begin(turn)
      return 'done'
    case 'cancelRequested':
      yield* cancelRun(turn, 'person', event)
      return 'done'
    case 'timer':
      yield* timer(turn)
      return 'done'
    case 'approvalDecided':
      return approvalDecided(turn, event)
    case 'childStarted':
    case 'childRefused':
    case 'childEnded':
      return childEvent(turn, event)
    case 'workTaken':
    case 'workDone':
      return workEvent(turn, event)
    default:
      return jobEvent(turn, event)
  }
}

/** Decides the steps that wait for nothing, and copies whose others are reused; a repetition finds none of them blocked or held. */
function* begin(turn: Turn): Generator<void> {
  for (const step of turn.state.steps.values()) {
    if (step.phase === 'copies') turn.opened.add(step)
    if (step.needsLeft > 0 || step.phase !== 'blocked') continue
    decideStep(turn, step)
    yield
  }
}

function* timer(turn: Turn): Generator<void> {
  const { state, now } = turn
  if (state.deadline && state.deadline <= now) yield* timeOutRun(turn)
  for (const step of [...state.timed]) {
    turn.touched++
    if (!step.dueAt || step.dueAt > now) continue
    due(turn, step)
    yield
  }
  const before = state.wakeAt?.getTime()
  state.wakeAt = nextWake(state)
  if (state.wakeAt?.getTime() !== before) turn.runChanged = true
  if (state.wakeAt) turn.effects.push({ type: 'wakeAt', at: state.wakeAt })
}

function due(turn: Turn, step: StepState): void {
  if (step.phase === 'delayed') beginAttempt(turn, step)
  else if (step.awaits?.kind === 'time') momentDue(turn, step, step.awaits)
  else if (step.awaits?.kind === 'approval') approvalDue(turn, step, step.awaits)
  else if (step.awaits?.kind === 'run') childOverdue(turn, step)
  else if (step.awaits?.kind === 'locks') queueTimedOut(turn, step)
  else if (step.phase === 'awaiting') workOverdue(turn, step)
  else if (step.attempts.at(-1)?.status === JobStatus.QUEUED) queueTimedOut(turn, step)
  else overdue(turn, step)
}

function nextWake({ timed, deadline }: RunState): Date | null {
  const moments = [...timed].map((step) => step.dueAt)
  moments.push(deadline)
  return moments.reduce((earliest, at) => (at && (!earliest || at < earliest) ? at : earliest), null)
}
