// Which step a run page shows while nobody has chosen one: where it broke, else what runs, else what asks people, else what ran last.
import { type RunStep, StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { type StatusName, statusName } from '../../ui/status/status.ts'

/** It broke the run: a step that may fail did not. */
export function isFailedStep(step: RunStep): boolean {
  return (step.status === StepStatus.FAILED || step.status === StepStatus.LOST) && !step.failureAllowed
}

/** Stays with `current` while that runs or has failed, so that the page does not jump between steps side by side. */
export function pickStep(all: readonly RunStep[], current: RunStep | undefined): RunStep | undefined {
  // What was run before, and not now, only where nothing else is.
  const own = all.filter((step) => !step.reused)
  const steps = own.length > 0 ? own : all
  if (current && (current.status === StepStatus.RUNNING || isFailedStep(current))) return current
  const next =
    steps.find(isFailedStep) ?? steps.find((step) => step.status === StepStatus.RUNNING) ?? steps.find(asksPeople)
  if (next) return next
  if (current && current.attempts.length > 0) return current
  return steps.findLast((step) => step.attempts.length > 0) ?? steps[0]
}

/** The failed step after this one, round to the first. */
export function nextFailed(steps: readonly RunStep[], currentId: string | undefined): RunStep | undefined {
  const at = steps.findIndex((step) => step.id === currentId)
  return [...steps.slice(at + 1), ...steps.slice(0, at + 1)].find(isFailedStep)
}

/** It runs as far as anybody knows: its agent is silent. */
export function isUnreachable(step: Pick<RunStep, 'status' | 'reasonInfo'>): boolean {
  return step.status === StepStatus.RUNNING && step.reasonInfo?.code === 'unreachable'
}

/** It waits for people. */
export function asksPeople(step: Pick<RunStep, 'status' | 'reasonInfo'>): boolean {
  return step.status === StepStatus.WAITING && step.reasonInfo?.code === 'approval_waits'
}

/** A failure that was allowed is a warning, and so is a silent agent. */
export function stepStatusName(step: Pick<RunStep, 'status' | 'failureAllowed' | 'reasonInfo'>): StatusName {
  if (isUnreachable(step)) return 'warning'
  const failed = step.status === StepStatus.FAILED || step.status === StepStatus.LOST
  return failed && step.failureAllowed ? 'warning' : statusName(step.status)
}

/** Of the line between two steps: walked once its target has begun; never, where one of them did not run. */
export function walkOf(from: RunStep | undefined, to: RunStep | undefined): 'ahead' | 'live' | 'done' | 'skipped' {
  if (isPassedOver(from) || isPassedOver(to)) return 'skipped'
  const target = to?.status ?? StepStatus.BLOCKED
  return target === StepStatus.BLOCKED ? 'ahead' : target === StepStatus.RUNNING ? 'live' : 'done'
}

/** Skipped, or canceled before it began. */
function isPassedOver(step: RunStep | undefined): boolean {
  return step?.status === StepStatus.SKIPPED || (step?.status === StepStatus.CANCELED && step.startedAt === undefined)
}
