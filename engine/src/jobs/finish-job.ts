// An attempt ended: its step ends with it, or waits for another attempt.
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { type Reason, reason } from '@ansflow/proto/reasons'
import { JobStatus, StepStatus } from '@ansflow/proto/status'
import { runsOnAgent } from '@ansflow/proto/steps/index'
import { cancelJob, endJob } from '../cancel.ts'
import { noteWorkspaceUse } from '../plan.ts'
import { cancelReason, runsAfterCancel } from '../ready.ts'
import { countsOf, reportOf } from '../report.ts'
import type { JobResult, JobState, RunState, StepState } from '../state.ts'
import { durationText } from '../timeout-reason.ts'
import { endStep, enter, returnLocks, setDue, setPin, type Turn } from '../turn.ts'
import { knownTimeoutOf, workspaceOf } from '../values/own-values.ts'
import { beginAttempt } from './begin-attempt.ts'
import { type RetryCause, retryDelay } from './retry.ts'
import { backstopMs, between, startJob } from './start-job.ts'

interface End {
  job: JobStatus
  step: StepStatus
  why: Reason | null
  retry?: RetryCause
}

export function finishJob(turn: Turn, job: JobState, result: JobResult): void {
  const { state } = turn
  const { step } = job
  const ran = result.startedAt !== undefined || result.exitCode !== undefined
  if (ran && job.status !== JobStatus.RUNNING) startJob(turn, job, result.startedAt)
  job.exitCode = result.exitCode ?? null
  job.logSize = result.logSize ?? job.logSize
  if (result.logSize === 0 && !job.logComplete) {
    // There is nothing to wait for.
    job.logComplete = true
    turn.effects.push({ type: 'logEnded', jobId: job.id })
  }
  job.image = result.image ?? null
  const report = reportOf(job, result)
  job.report = report ? countsOf(report) : null
  if (job.report) turn.reports.push({ job, report: report! })
  const end = endOf(turn, job, result)
  endJob(turn, job, end.job, end.why)
  if (result.finishedAt) job.finishedAt = between(job.startedAt ?? job.createdAt, result.finishedAt, turn.now)
  const unused = end.job === JobStatus.LOST && noteWorkspaceUse(state, job, -1) === 0
  if (result.outputs && Object.keys(result.outputs).length > 0) step.outputs = { ...result.outputs }
  if (result.exports) {
    if (!step.exports) state.exporters++
    step.exports = { ...result.exports, workspace: job.workspace }
  }

  const isAsked = !job.cancelRequested || end.retry === 'timeout'
  const wanted = runsAfterCancel(state, step) && isAsked && !step.group?.stopped
  const delay = end.retry && wanted ? retryDelay(step, end.retry) : undefined
  if (delay === undefined) {
    endStep(turn, step, end.step, end.why)
  } else {
    // Nothing was made in it that the next attempt could need.
    if (unused) setPin(turn, job.workspace, null)
    retryStep(turn, step, delay)
  }
}

/** Why a job is canceled that was asked to stop. */
function stopReason(turn: Turn, job: JobState): Reason {
  return job.reason?.code === 'fail_fast' ? job.reason : cancelReason(turn)
}

function timedOut(turn: Turn, { step }: JobState): End {
  const timeoutMs = knownTimeoutOf(turn.state, step)
  const why = reason('timeout', timeoutMs > 0 ? { after: durationText(timeoutMs) } : {})
  return { job: JobStatus.TIMED_OUT, step: StepStatus.FAILED, why, retry: 'timeout' }
}

function endOf(turn: Turn, job: JobState, result: JobResult): End {
  switch (result.outcome) {
    case Outcome.SUCCEEDED:
      return { job: JobStatus.SUCCEEDED, step: StepStatus.SUCCEEDED, why: null }
    case Outcome.TIMED_OUT:
      return timedOut(turn, job)
    case Outcome.CANCELED:
      // Canceled because the agent had not ended it at its timeout.
      if (job.reason?.code === 'timeout') return timedOut(turn, job)
      if (result.reasonCode === 'agent_stopped' && !job.cancelRequested) {
        const why = reason('agent_stopped', job.agentName ? { agent: job.agentName } : {})
        return { job: JobStatus.CANCELED, step: StepStatus.CANCELED, why }
      }
      return { job: JobStatus.CANCELED, step: StepStatus.CANCELED, why: stopReason(turn, job) }
    case Outcome.LOST: {
      const why =
        result.reasonCode === 'agent_deleted'
          ? reason('agent_deleted', { agent: job.agentName })
          : reason('lost', {
              ...(job.agentName && { agent: job.agentName }),
              ...(result.reason && { message: result.reason }),
            })
      if (!job.cancelRequested || job.reason?.code === 'timeout') {
        return { job: JobStatus.LOST, step: StepStatus.LOST, why, retry: 'lost' }
      }
      const canceled = stopReason(turn, job)
      if (canceled.code === 'fail_fast') return { job: JobStatus.LOST, step: StepStatus.CANCELED, why: canceled }
      const params = { ...canceled.params, agentLost: 'true' }
      return { job: JobStatus.LOST, step: StepStatus.CANCELED, why: { ...canceled, params } }
    }
    default:
      // FAILED, and what this controller does not know: features/agents gave it a reason.
      if (result.reasonCode === 'workspace_gone') {
        return { job: JobStatus.FAILED, step: StepStatus.FAILED, why: workspaceGone(turn.state, job) }
      }
      return { job: JobStatus.FAILED, step: StepStatus.FAILED, why: result.why ?? failure(result), retry: 'failed' }
  }
}

const mostNamed = 3

/** What the reused steps have left is not there any more; another attempt would not find it either. */
function workspaceGone(state: RunState, { agentName: agent, workspace }: JobState): Reason {
  const left = [...state.steps.values()].filter((step) => step.reused && !step.group && leaves(state, step, workspace))
  const steps = left.slice(0, mostNamed).map(({ id }) => id)
  return reason('workspace_gone', { agent, workspace, ...(steps.length > 0 && { steps: steps.join(', ') }) })
}

function leaves(state: RunState, step: StepState, workspace: string): boolean {
  try {
    return runsOnAgent(step.definition.uses) && workspaceOf(state, step) === workspace
  } catch {
    return false
  }
}

function failure({ exitCode, reasonCode, reason: message }: JobResult): Reason {
  if (reasonCode === 'secret_missing') return reason('secret_missing', { name: message ?? '' })
  if (reasonCode === 'repository_access') return reason('repository_access', { message: message ?? '' })
  if (exitCode === undefined || reasonCode === 'agent_error') return reason('agent_error', message ? { message } : {})
  if (reasonCode === 'out_of_memory') return reason('out_of_memory', message ? { limit: message } : {})
  if (reasonCode === 'signal') return reason('signal', { signal: String(exitCode - 128) })
  return reason('exit_code', { code: String(exitCode) })
}

/** Others may have its locks in between. */
function retryStep(turn: Turn, step: StepState, delayMs: number): void {
  returnLocks(turn, step)
  if (delayMs === 0) {
    beginAttempt(turn, step)
    return
  }
  const at = new Date(turn.now.getTime() + delayMs)
  const attempt = String(step.attempts.length + 1)
  enter(turn, step, 'delayed', StepStatus.WAITING, reason('retry_delay', { at: at.toISOString(), attempt }))
  setDue(turn, step, at)
}

/** It waited too long for its locks or an agent. */
export function queueTimedOut(turn: Turn, step: StepState): void {
  const { code, params: waited } = step.reason ?? reason('queued')
  const said = reason('queue_timeout', { after: durationText(step.definition.queueTimeoutMs) })
  const job = step.attempts.at(-1)
  // What it waited for is named: whose end, and the way there, or which agent.
  const { labels, agent, workspace } = waited
  const ofAgents = { ready: 'true', ...(labels && { labels }), ...(agent && workspace && { agent, workspace }) }
  const params = code === 'lock_waits' ? waited : job?.status === JobStatus.QUEUED ? ofAgents : {}
  const why = { ...said, params: { ...params, ...said.params } }
  if (job?.status === JobStatus.QUEUED) endJob(turn, job, JobStatus.FAILED, why)
  endStep(turn, step, StepStatus.FAILED, why)
}

/** An attempt should have ended by itself a while ago: first it is told to, then it counts as ended. */
export function overdue(turn: Turn, step: StepState): void {
  const job = step.attempts.at(-1)!
  if (job.cancelRequested) {
    finishJob(turn, job, { outcome: job.reason?.code === 'timeout' ? Outcome.TIMED_OUT : Outcome.CANCELED })
    return
  }
  job.reason = reason('timeout')
  cancelJob(turn, job, reason('canceling'))
  setDue(turn, step, new Date(turn.now.getTime() + backstopMs))
}
