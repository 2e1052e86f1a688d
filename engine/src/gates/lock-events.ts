// What is told of what a run or a step has asked for: it is its turn, another comes first, or takes its place.
import { RunStatus } from '@ansflow/proto/status'
import { cancelRun } from '../cancel.ts'
import { beginAttempt } from '../jobs/begin-attempt.ts'
import type { RunEvent } from '../state.ts'
import { setReason, type Turn } from '../turn.ts'
import { expressionReason } from '../values/job-context.ts'
import { aheadReason, endedReason, groupOf, nextReason, supersedes } from './locks.ts'

export type LockEvent = Extract<RunEvent, { type: 'lockGiven' | 'lockWaits' | 'lockRefused' | 'superseded' }>

/** Whether the run may begin now. One that may not asks for its place, once. */
export function* mayBegin(turn: Turn): Generator<void, boolean> {
  const { state } = turn
  if (state.status !== RunStatus.WAITING) return true
  if (state.reason) return false
  try {
    const want = groupOf(state)
    if (!want) {
      admit(turn)
      return true
    }
    turn.locks.push({ type: 'asked', of: '', wants: [want], supersedes: supersedes(state) })
    state.reason = nextReason(want)
    turn.runChanged = true
  } catch (error) {
    yield* cancelRun(turn, 'group', { why: expressionReason(error) })
  }
  return false
}

/** Whether the run begins by it. */
export function* lockEvent(turn: Turn, event: LockEvent): Generator<void, boolean> {
  const { state } = turn
  turn.touched++
  if (event.of !== '') {
    if (event.type === 'lockGiven' || event.type === 'lockWaits') stepEvent(turn, event)
    return false
  }
  if (event.type === 'superseded') {
    hear(turn, event)
    if (state.cancelLevel === 0)
      yield* cancelRun(turn, 'superseded', { why: endedReason('superseded', event.want, event.by) })
    return false
  }
  if (state.status !== RunStatus.WAITING) return false
  hear(turn, event)
  if (event.type === 'lockGiven') {
    admit(turn)
    return true
  }
  if (event.type === 'lockRefused') {
    yield* cancelRun(turn, 'group', { why: endedReason('group_circle', event.want, event.by) })
    return false
  }
  state.reason = aheadReason(event.want, event.ahead)
  turn.runChanged = true
  return false
}

/** What speaks of another attempt's asking changes nothing. */
function stepEvent(turn: Turn, event: Extract<LockEvent, { type: 'lockGiven' | 'lockWaits' }>): void {
  const step = turn.state.steps.get(event.of.slice(0, event.of.lastIndexOf('#')))
  if (step?.awaits?.kind !== 'locks' || step.awaits.of !== event.of) return
  hear(turn, event)
  if (event.type === 'lockGiven') beginAttempt(turn, step, undefined, true)
  else setReason(turn, step, aheadReason(event.want, event.ahead))
}

function hear({ locks }: Turn, { of, change }: LockEvent): void {
  locks.push({ type: 'heard', of, change })
}

function admit(turn: Turn): void {
  turn.state.status = RunStatus.QUEUED
  turn.state.reason = null
  turn.runChanged = true
}
