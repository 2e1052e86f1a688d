// What is told of work for the controller: whoever takes it does so under the next epoch, and only the answer of the last taker counts.
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { reason } from '@ansflow/proto/reasons'
import { isTerminalJob, JobStatus, StepStatus } from '@ansflow/proto/status'
import { finishJob } from '../jobs/finish-job.ts'
import { startRun } from '../jobs/start-job.ts'
import type { JobState, RunEvent, StepState } from '../state.ts'
import { setDue, setStatus, type Turn } from '../turn.ts'
import { knownTimeoutOf } from '../values/own-values.ts'
import { isControllerWork } from './work.ts'

export type WorkEvent = Extract<RunEvent, { type: 'workTaken' | 'workDone' }>

export function workEvent(turn: Turn, event: WorkEvent): 'done' | 'stale' {
  turn.touched++
  const job = turn.state.jobs.get(event.jobId)
  if (!job || !isControllerWork(job) || isTerminalJob(job.status)) return 'stale'
  if (event.type === 'workTaken') return taken(turn, job, event.epoch)
  if (event.epoch !== job.epoch) return 'stale'
  finishJob(turn, job, event)
  return 'done'
}

/** Also again, when who had it was not heard of any more: its timeout goes on. */
function taken(turn: Turn, job: JobState, epoch: number): 'done' | 'stale' {
  if (epoch <= job.epoch) return 'stale'
  job.epoch = epoch
  turn.jobs.add(job)
  if (job.status === JobStatus.RUNNING) return 'done'
  const { now } = turn
  const { step } = job
  job.status = JobStatus.RUNNING
  job.startedAt = now
  step.startedAt ??= now
  setStatus(turn, step, StepStatus.RUNNING, reason('running'))
  startRun(turn, step, now)
  const timeoutMs = knownTimeoutOf(turn.state, step)
  if (timeoutMs > 0) setDue(turn, step, new Date(now.getTime() + timeoutMs))
  return 'done'
}

export function workOverdue(turn: Turn, step: StepState): void {
  finishJob(turn, step.attempts.at(-1)!, { outcome: Outcome.TIMED_OUT })
}
