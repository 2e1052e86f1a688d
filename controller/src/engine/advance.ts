// The only code that decides a run's next state.
import { isTerminal, StepStatus } from '@ansflow/proto/status'
import { cancelRun, timeOutRun } from './cancel.ts'
import { overdue } from './finish-job.ts'
import { jobEvent } from './job-events.ts'
import { queueStep } from './queue-step.ts'
import { decideStep } from './ready.ts'
import { settle } from './settle.ts'
import type { Changes, RunEvent, RunState } from './state.ts'
import { closeTurn, openTurn, type Turn, wake } from './turn.ts'

/**
 * Works one event into the state, in place, and says what changed. Total: an event that does not fit changes nothing. Costs as
 * much as the steps it concerns, not as the run. A caller that cannot commit the changes must drop the state.
 */
export function advance(state: RunState, event: RunEvent, now: Date): Changes {
  const turn = openTurn(state, now)
  const stale = apply(turn, event) === 'stale'
  settle(turn)
  return closeTurn(turn, stale)
}

function apply(turn: Turn, event: RunEvent): 'done' | 'stale' {
  const { state } = turn
  if (isTerminal(state.status) && !('jobId' in event)) return 'done'
  switch (event.type) {
    case 'started':
      begin(turn)
      return 'done'
    case 'cancelRequested':
      cancelRun(turn, 'person', event.by, event.byName)
      return 'done'
    case 'timer':
      timer(turn)
      return 'done'
    default:
      return jobEvent(turn, event)
  }
}

/** Decides the steps that need nothing; a repetition finds none of them blocked. */
function begin(turn: Turn): void {
  for (const step of turn.state.steps.values()) {
    if (step.needs.length === 0 && step.status === StepStatus.BLOCKED) decideStep(turn, step)
  }
  if (turn.state.deadline) wake(turn, turn.state.deadline)
}

function timer(turn: Turn): void {
  const { state, now } = turn
  if (state.deadline && state.deadline <= now) timeOutRun(turn)
  for (const step of [...state.timed]) {
    turn.touched++
    if (!step.dueAt || step.dueAt > now) continue
    if (step.status === StepStatus.WAITING) queueStep(turn, step)
    else overdue(turn, step)
  }
  const before = state.wakeAt?.getTime()
  state.wakeAt = nextWake(state)
  if (state.wakeAt?.getTime() !== before) turn.runChanged = true
  if (state.wakeAt) turn.effects.push({ type: 'wakeAt', at: state.wakeAt })
}

function nextWake({ timed, deadline }: RunState): Date | null {
  const moments = [...timed].map((step) => step.dueAt)
  moments.push(deadline)
  return moments.reduce((earliest, at) => (at && (!earliest || at < earliest) ? at : earliest), null)
}
