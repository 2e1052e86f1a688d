// Steps that a run of another pipeline does: it is asked for once, under an id that is made here, and what becomes of it are events.
import type { ChildOutput, RunAsk } from '@ansflow/proto/child-run'
import { type Reason, reason } from '@ansflow/proto/reasons'
import { RunStatus, StepStatus, statusWord } from '@ansflow/proto/status'
import { startRun } from '../jobs/start-job.ts'
import type { Awaited, RunEvent, StepState } from '../state.ts'
import { durationText } from '../timeout-reason.ts'
import { endStep, enter, setDue, type Turn } from '../turn.ts'
import { knownTimeoutOf } from '../values/own-values.ts'

export type AwaitedRun = Extract<Awaited, { kind: 'run' }>
export type ChildEvent = Extract<RunEvent, { type: 'childStarted' | 'childRefused' | 'childEnded' }>

/** What becomes of the run of a step; the objects are the state's own. */
export type ChildChange =
  | { type: 'asked'; step: StepState; childId: string; ask: RunAsk }
  /** The step has ended before it, so nobody waits for it any more: it is to be canceled, or not to begin. */
  | { type: 'withdrawn'; step: StepState; childId: string }

export function awaitRun(turn: Turn, step: StepState, ask: RunAsk): void {
  const { now, state } = turn
  const timeoutMs = knownTimeoutOf(state, step)
  step.queuedAt = now
  const childId = state.meta.newId()
  const awaited: AwaitedRun = { kind: 'run', id: childId, wait: ask.wait, began: false }
  enter(turn, step, awaited, StepStatus.QUEUED, reason('child_queued', { pipeline: ask.pipeline }))
  turn.children.push({ type: 'asked', step, childId, ask })
  setDue(turn, step, timeoutMs > 0 ? new Date(now.getTime() + timeoutMs) : null)
}

/** Whatever is told twice, or of a step that has ended, changes nothing. */
export function childEvent(turn: Turn, event: ChildEvent): 'done' | 'stale' {
  turn.touched++
  const step = turn.state.steps.get(event.stepId)
  const awaits = step?.awaits
  if (!step || awaits?.kind !== 'run' || awaits.id !== event.childId) return 'stale'
  if (event.type === 'childRefused') {
    settled(turn, step, StepStatus.FAILED, event.why)
    return 'done'
  }
  begin(turn, step, awaits, event)
  if (event.type === 'childStarted') {
    if (!awaits.wait) settled(turn, step, StepStatus.SUCCEEDED, reason('child_started', { run: nameOf(event) }))
    return 'done'
  }
  const { status } = event
  step.outputs = { ...event.outputs, ...step.outputs, status: statusWord(status) }
  const why = reason('child_ended', { run: nameOf(event), status: statusWord(status) })
  settled(turn, step, endings[status] ?? StepStatus.FAILED, why)
  return 'done'
}

const endings: Partial<Record<RunStatus, StepStatus>> = {
  [RunStatus.SUCCEEDED]: StepStatus.SUCCEEDED,
  [RunStatus.CANCELED]: StepStatus.CANCELED,
  [RunStatus.LOST]: StepStatus.LOST,
}

/** The step's own timeout has come first. */
export function childOverdue(turn: Turn, step: StepState): void {
  endStep(turn, step, StepStatus.FAILED, reason('timeout', { after: durationText(knownTimeoutOf(turn.state, step)) }))
}

type Begun = Exclude<ChildEvent, { type: 'childRefused' }>

function begin(turn: Turn, step: StepState, awaits: AwaitedRun, event: Begun): void {
  if (awaits.began) return
  const { now } = turn
  step.startedAt = now
  startRun(turn, step, now)
  const began: Record<ChildOutput, string> = {
    runId: awaits.id,
    runNumber: String(event.number),
    pipeline: event.pipelineName,
    status: 'running',
  }
  step.outputs = began
  enter(turn, step, { ...awaits, began: true }, StepStatus.RUNNING, reason('child_waits', { run: nameOf(event) }))
}

/** The end is the run's own: there is nothing to withdraw. */
function settled(turn: Turn, step: StepState, status: StepStatus, why: Reason): void {
  step.awaits = null
  endStep(turn, step, status, why)
}

function nameOf({ pipelineName, number }: Begun): string {
  return `${pipelineName} #${number}`
}
