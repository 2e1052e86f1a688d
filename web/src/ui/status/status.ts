// The words a status is shown by: names of icon shapes and of colours alike.
import type { StepCount } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { type RunStatus, type StepStatus, statusWord } from '@ansflow/proto/status'

export const statusNames = [
  'succeeded',
  'failed',
  'running',
  'queued',
  'waiting',
  'canceled',
  'skipped',
  'lost',
  'blocked',
  'warning',
] as const

export type StatusName = (typeof statusNames)[number]

export function statusName(status: RunStatus | StepStatus): StatusName {
  const word = statusWord(status)
  return statusNames.find((name) => name === word) ?? 'blocked'
}

/** How many steps are in each status; failures that were allowed are warnings. */
export function countsByName(counts: readonly StepCount[]): Map<StatusName, number> {
  const found = new Map<StatusName, number>()
  for (const { status, count, allowed } of counts) {
    if (count > allowed) found.set(statusName(status), count - allowed)
    if (allowed > 0) found.set('warning', allowed)
  }
  return found
}
