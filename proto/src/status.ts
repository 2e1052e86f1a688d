// Statuses of runs, steps and jobs: which are ends, and how a run's follows from its steps'.
import { JobStatus, RunStatus, StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'

export { JobStatus, RunStatus, StepStatus }

// RunStatus and StepStatus share their numbers; the contract test in status.test.ts holds them together.
export function isTerminal(status: RunStatus | StepStatus): boolean {
  return status >= StepStatus.SUCCEEDED
}

export function isTerminalJob(status: JobStatus): boolean {
  return status >= JobStatus.SUCCEEDED
}

/** The word of design and file: "succeeded". */
export function statusWord(status: RunStatus | StepStatus): string {
  return (StepStatus[status] ?? 'UNSPECIFIED').toLowerCase()
}
