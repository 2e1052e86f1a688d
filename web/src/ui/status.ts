// The words a status is shown by: names of icon shapes and of colours alike.
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
