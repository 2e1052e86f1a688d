// The copies of a step: as many begin as may run at once, the first that fails ends the others, and the step ends with the last.
import { type Reason, reason } from '@ansflow/proto/reasons'
import { isTerminal, StepStatus } from '@ansflow/proto/status'
import { stopStep } from './cancel.ts'
import { hasFailed } from './plan.ts'
import { decideStep } from './ready.ts'
import type { StepState } from './state.ts'
import { listedOutputs } from './step-state.ts'
import { endStep, type Turn } from './turn.ts'

/** Begins as many of those that are held back as may run now. */
export function* releaseCopies(turn: Turn, group: StepState): Generator<void> {
  const copies = group.copies!
  const most = group.definition.matrix?.maxParallel || copies.length
  while (group.nextCopy < copies.length && group.copiesGoing < most) {
    const copy = copies[group.nextCopy++]!
    if (copy.phase !== 'held') continue
    group.copiesGoing++
    copy.phase = 'blocked'
    decideStep(turn, copy)
    yield
  }
}

export function* copyEnded(turn: Turn, copy: StepState): Generator<void> {
  turn.touched++
  const group = copy.group!
  group.copiesLeft--
  const { failFast = true } = group.definition.matrix ?? {}
  if (failFast && !group.stopped && hasFailed(copy)) yield* stopOthers(turn, group, copy)
  if (isTerminal(group.status)) return
  if (group.copiesLeft === 0) endGroup(turn, group)
  else turn.opened.add(group)
}

/** A failure that is allowed stops nothing. */
function* stopOthers(turn: Turn, group: StepState, failed: StepState): Generator<void> {
  group.stopped = true
  const why = reason('fail_fast', { step: failed.id })
  for (const copy of group.copies!) {
    if (isTerminal(copy.status)) continue
    if (copy.phase === 'held') endStep(turn, copy, StepStatus.SKIPPED, why)
    else stopStep(turn, copy, why)
    yield
  }
}

function endGroup(turn: Turn, group: StepState): void {
  const [status, why] = resultOf(group)
  endStep(turn, group, status, why)
  if (!turn.state.meta.foresees) turn.state.stepValues[group.id]!.outputs = listedOutputs(group)
}

/** As one step: what is worst of its copies. */
function resultOf({ copies }: StepState): [StepStatus, Reason | null] {
  const all = copies!
  const count = String(all.length)
  const of = (status: StepStatus) => all.filter((copy) => copy.status === status)
  const failed = of(StepStatus.FAILED)
  const failedFor = { failed: String(failed.length), count }
  if (failed.some((copy) => !copy.failureAllowed)) return [StepStatus.FAILED, reason('copies_failed', failedFor)]
  const lost = of(StepStatus.LOST).length
  if (lost > 0) return [StepStatus.LOST, reason('copies_lost', { lost: String(lost), count })]
  const canceled = of(StepStatus.CANCELED).length
  if (canceled > 0) return [StepStatus.CANCELED, reason('copies_canceled', { canceled: String(canceled), count })]
  if (failed.length > 0) return [StepStatus.FAILED, reason('copies_failed', failedFor)]
  if (of(StepStatus.SUCCEEDED).length > 0) return [StepStatus.SUCCEEDED, null]
  return [StepStatus.SKIPPED, reason('copies_skipped')]
}
