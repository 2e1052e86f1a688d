// One event being worked through: collects what changes, ends steps, and wakes the steps that waited for them.

import { hasLocks } from '@ansflow/proto/fields/locks'
import type { JobSpec } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { type Reason, reason, sameReason } from '@ansflow/proto/reasons'
import { isTerminal, StepStatus, statusWord } from '@ansflow/proto/status'
import { type LockChange, ofAttempt } from './gates/locks.ts'
import type { ApprovalChange } from './kinds/approval.ts'
import type { ChildChange } from './kinds/child-run.ts'
import type { ControllerWork } from './kinds/work.ts'
import type { ReportChange } from './report.ts'
import type { Awaited, Changes, Effect, JobState, RunState, StepPhase, StepState } from './state.ts'

export interface Turn {
  readonly state: RunState
  readonly now: Date
  readonly steps: Set<StepState>
  readonly jobs: Set<JobState>
  readonly newJobs: Map<JobState, JobSpec>
  readonly newWorks: Map<JobState, ControllerWork>
  readonly approvals: ApprovalChange[]
  readonly children: ChildChange[]
  readonly reports: ReportChange[]
  readonly locks: LockChange[]
  readonly pins: Set<string>
  readonly effects: Effect[]
  /** Steps that ended and whose dependents have not been told. */
  readonly ended: StepState[]
  /** Steps whose copies are new. */
  readonly made: StepState[]
  /** Steps whose copies may begin. */
  readonly opened: Set<StepState>
  runChanged: boolean
  touched: number
}

export function openTurn(state: RunState, now: Date): Turn {
  return {
    state,
    now,
    steps: new Set(),
    jobs: new Set(),
    newJobs: new Map(),
    newWorks: new Map(),
    approvals: [],
    children: [],
    reports: [],
    locks: [],
    pins: new Set(),
    effects: [],
    ended: [],
    made: [],
    opened: new Set(),
    runChanged: false,
    touched: 0,
  }
}

export function closeTurn(turn: Turn, stale: boolean): Changes {
  const { steps, jobs, newJobs, newWorks, approvals, children, reports, locks, pins, effects, runChanged, touched } =
    turn
  const rows = steps.size + jobs.size + newJobs.size + newWorks.size + locks.length
  const changed = runChanged || rows > 0
  return {
    result: stale ? 'stale' : changed ? 'applied' : 'unchanged',
    runChanged,
    steps: [...steps],
    jobs: [...jobs].filter((job) => !newJobs.has(job) && !newWorks.has(job)),
    newJobs: [...newJobs].map(([job, spec]) => ({ job, spec })),
    newWorks: [...newWorks].map(([job, work]) => ({ job, work })),
    approvals,
    children,
    reports,
    locks,
    pins: [...pins],
    effects,
    touched,
  }
}

/** What the step is up to from now on, and what people see of it. */
export function enter(
  turn: Turn,
  step: StepState,
  phase: Exclude<StepPhase, 'awaiting'> | Awaited,
  status: StepStatus,
  why: Reason | null,
): void {
  const awaited = typeof phase === 'object'
  step.phase = awaited ? 'awaiting' : phase
  step.awaits = awaited ? phase : null
  setStatus(turn, step, status, why)
}

/** Of a step whose phase stays. */
export function setStatus(turn: Turn, step: StepState, status: StepStatus, why: Reason | null): void {
  if (isTerminal(step.status)) throw new Error(`step ${step.id} has ended and cannot become ${status}`)
  const { counts, stepValues } = turn.state
  if (!step.copies) {
    counts[step.status]!--
    counts[status]!++
  }
  step.status = status
  const outputs = turn.state.meta.foresees ? {} : step.outputs
  if (!step.group) stepValues[step.id] = { status: statusWord(status), outputs }
  step.reason = why
  turn.steps.add(step)
}

export function setReason(turn: Turn, step: StepState, why: Reason): void {
  if (sameReason(step.reason, why)) return
  step.reason = why
  turn.steps.add(step)
}

export function endStep(turn: Turn, step: StepState, status: StepStatus, why: Reason | null): void {
  if (step.awaits?.kind === 'approval') {
    turn.approvals.push({ type: 'closed', step, approvalId: step.awaits.id })
  }
  if (step.awaits?.kind === 'run') turn.children.push({ type: 'withdrawn', step, childId: step.awaits.id })
  returnLocks(turn, step)
  if (step.group && step.phase !== 'held') step.group.copiesGoing--
  enter(turn, step, 'ended', status, why)
  const { state } = turn
  step.finishedAt = turn.now
  setDue(turn, step, null)
  state.active.delete(step)
  if (status === StepStatus.FAILED) {
    if (step.definition.allowFailure) step.failureAllowed = true
    else if (!step.copies) state.failures++
  }
  turn.ended.push(step)
}

/** Of an attempt that is over, or will not be made. */
export function returnLocks({ locks }: Turn, step: StepState): void {
  const { definition, phase, awaits, attempts } = step
  if (!hasLocks(definition)) return
  if (awaits?.kind === 'locks') locks.push({ type: 'returned', of: awaits.of })
  else if (phase === 'job' || awaits?.kind === 'work')
    locks.push({ type: 'returned', of: ofAttempt(step, attempts.length) })
}

export function setDue(turn: Turn, step: StepState, due: Date | null): void {
  if (step.dueAt !== due) turn.steps.add(step)
  step.dueAt = due
  if (!due) {
    turn.state.timed.delete(step)
    return
  }
  turn.state.timed.add(step)
  if (noteEarliest(turn.state, due)) wake(turn, due)
}

/** Keeps `wakeAt` the earliest moment known; says whether `due` is now that. */
export function noteEarliest(state: RunState, due: Date): boolean {
  if (state.wakeAt && state.wakeAt <= due) return false
  state.wakeAt = due
  return true
}

export function wake(turn: Turn, at: Date): void {
  turn.runChanged = true
  turn.effects.push({ type: 'wakeAt', at })
}

/** An agent has the workspace from now on; null: another may begin anew in it. */
export function setPin(turn: Turn, workspace: string, agentId: string | null): void {
  const { pins } = turn.state
  if (agentId === null ? !pins.delete(workspace) : pins.get(workspace) === agentId) return
  if (agentId !== null) pins.set(workspace, agentId)
  turn.pins.add(workspace)
}

const mostNamed = 3

/** Names the first few needs that are still open. Amortized constant: no need is considered twice. */
export function blockedReason(step: StepState): Reason {
  const { needs } = step
  if (step.needsLeft === 0) return reason('run_waits')
  step.namedNeeds = step.namedNeeds.filter((need) => !isTerminal(need.status))
  while (step.namedNeeds.length < mostNamed && step.nextNeed < needs.length) {
    const need = needs[step.nextNeed++]!
    if (!isTerminal(need.status)) step.namedNeeds.push(need)
  }
  const steps = step.namedNeeds.map((need) => need.id).join(', ')
  return reason('needs', step.needsLeft > step.namedNeeds.length ? { steps, more: 'true' } : { steps })
}
