// An attempt's process runs: the step runs, with the first of them the run, and the step's timeout begins.

import { reason } from '@ansflow/proto/reasons'
import { JobStatus, RunStatus, StepStatus } from '@ansflow/proto/status'
import type { JobState, StepState } from '../state.ts'
import { setDue, setStatus, type Turn } from '../turn.ts'
import { knownTimeoutOf } from '../values/own-values.ts'

/** Agents end attempts at their timeout; one that has not reported so this long after is told to, then not waited for. */
export const backstopMs = 60_000

export function startJob(turn: Turn, job: JobState, at: Date | undefined): void {
  const { now } = turn
  const { step } = job
  job.status = JobStatus.RUNNING
  job.startedAt = between(job.createdAt, at ?? now, now)
  turn.jobs.add(job)
  if (!job.cancelRequested) step.reason = reason('running', { agent: job.agentName })
  setStatus(turn, step, StepStatus.RUNNING, step.reason)
  step.startedAt ??= job.startedAt
  const timeoutMs = knownTimeoutOf(turn.state, step)
  if (timeoutMs > 0) setDue(turn, step, new Date(now.getTime() + timeoutMs + backstopMs))
  startRun(turn, step, job.startedAt)
}

/** With the first of its steps; and the step of which this is the first copy. */
export function startRun(turn: Turn, { group }: StepState, at: Date): void {
  const { state } = turn
  if (group && group.startedAt === null) {
    group.startedAt = at
    setStatus(turn, group, StepStatus.RUNNING, group.reason)
  }
  if (state.status !== RunStatus.QUEUED) return
  state.status = RunStatus.RUNNING
  state.startedAt = at
  turn.runChanged = true
}

/** The agent's clock is believed only as far as it fits with ours. */
export function between(earliest: Date, time: Date, latest: Date): Date {
  if (!(time >= earliest)) return earliest
  return time > latest ? latest : time
}
