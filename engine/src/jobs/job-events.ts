// What agents report about a job, step by step:
//
//   QUEUED ─offered→ OFFERED ─accepted→ ACCEPTED ─started→ RUNNING ─finished→ SUCCEEDED | FAILED | TIMED_OUT | CANCELED | LOST
//      ↑───rejected────┘  └────────────────┴──────────────────┴──lost, stranded→ LOST
//
// An agent runs a job at its offer, or as soon as it is told after it has accepted, and that is said here afterwards. So what is OFFERED
// may run. It is rejected only by whoever is certain that it does not and never will under this epoch: the agent itself has refused it
// or does not have it, or the offer was never sent. In all other cases it is lost, as what runs is.
//
// Every report carries the epoch it speaks of. A report about another epoch is stale; one that was heard before changes nothing.
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { reason } from '@ansflow/proto/reasons'
import { isTerminalJob, JobStatus, StepStatus } from '@ansflow/proto/status'
import { endJob } from '../cancel.ts'
import { endQueueLimit, limitQueue } from '../gates/queue-limit.ts'
import { isControllerWork } from '../kinds/work.ts'
import type { WorkEvent } from '../kinds/work-events.ts'
import { noteWorkspaceUse } from '../plan.ts'
import type { JobState, RunEvent } from '../state.ts'
import { endStep, setPin, setReason, type Turn } from '../turn.ts'
import { withAsking } from './explain.ts'
import { finishJob } from './finish-job.ts'
import { isolatedWorkspace } from './pick-job.ts'
import { startJob } from './start-job.ts'

export type JobEvent = Exclude<Extract<RunEvent, { jobId: string }>, WorkEvent>
type Report = 'done' | 'stale'

/** A refused offer waits this long, so that a full agent is not asked again at once. */
const rejectedDelayMs = 1000

export function jobEvent(turn: Turn, event: JobEvent): Report {
  turn.touched++
  const job = turn.state.jobs.get(event.jobId)
  if (!job) return 'stale'
  if (event.type === 'jobWaits') {
    if (job.status === JobStatus.QUEUED) setReason(turn, job.step, withAsking(event.reason, turn.state, job))
    return 'done'
  }
  if (event.type === 'jobLogged') {
    job.logSize = event.size
    job.logComplete = true
    turn.steps.add(job.step)
    return 'done'
  }
  // What follows is what agents report.
  if (isControllerWork(job)) return 'stale'
  if (event.type === 'jobStranded') return jobStranded(turn, job, event)
  if (event.type === 'jobOffered') return jobOffered(turn, job, event)
  if (event.epoch !== job.epoch || job.status === JobStatus.QUEUED) return 'stale'
  switch (event.type) {
    case 'jobAccepted':
      return jobAccepted(turn, job)
    case 'jobStarted':
      return jobStarted(turn, job, event.at)
    case 'jobRejected':
      return jobRejected(turn, job, event.reason)
    case 'jobFinished':
      // Also a result that comes after the end was decided is answered, so that the agent forgets it.
      if (!isTerminalJob(job.status)) finishJob(turn, job, event)
      return 'done'
    case 'jobSilent':
      return jobSilent(turn, job, event)
    case 'jobHeard':
      return jobHeard(turn, job)
    case 'jobLost':
      if (!isTerminalJob(job.status)) finishJob(turn, job, { outcome: Outcome.LOST })
      return 'done'
  }
}

function jobOffered(turn: Turn, job: JobState, event: Extract<RunEvent, { type: 'jobOffered' }>): Report {
  if (job.status !== JobStatus.QUEUED) return 'stale'
  if (job.workspace !== isolatedWorkspace) {
    if ((turn.state.pins.get(job.workspace) ?? event.agentId) !== event.agentId) return 'stale'
    setPin(turn, job.workspace, event.agentId)
  }
  job.epoch++
  job.status = JobStatus.OFFERED
  job.agentId = event.agentId
  job.agentName = event.agentName
  job.offeredAt = turn.now
  noteWorkspaceUse(turn.state, job, 1)
  turn.jobs.add(job)
  endQueueLimit(turn, job)
  setReason(turn, job.step, reason('offered', { agent: job.agentName }))
  return 'done'
}

function jobStranded(turn: Turn, job: JobState, event: Extract<RunEvent, { type: 'jobStranded' }>): Report {
  const { agentId, agentName: agent } = event
  if (job.status === JobStatus.QUEUED) {
    const why = reason('agent_deleted', { agent, workspace: job.workspace })
    endJob(turn, job, JobStatus.FAILED, why)
    endStep(turn, job.step, StepStatus.FAILED, why)
    return 'done'
  }
  if (isTerminalJob(job.status) || job.agentId !== agentId) return 'stale'
  finishJob(turn, job, { outcome: Outcome.LOST, reasonCode: 'agent_deleted' })
  return 'done'
}

function jobAccepted(turn: Turn, job: JobState): Report {
  if (isTerminalJob(job.status)) return 'stale'
  if (job.status !== JobStatus.OFFERED) return jobHeard(turn, job)
  job.status = JobStatus.ACCEPTED
  turn.jobs.add(job)
  setReason(turn, job.step, reason('starting', { agent: job.agentName }))
  return 'done'
}

function jobSilent(turn: Turn, job: JobState, { since, lostAt }: Extract<RunEvent, { type: 'jobSilent' }>): Report {
  if (isTerminalJob(job.status)) return 'stale'
  const times = { since: since.toISOString(), lostAt: lostAt.toISOString() }
  setReason(turn, job.step, reason('unreachable', { agent: job.agentName, ...times }))
  return 'done'
}

/** Says again what was said before its agent fell silent. */
function jobHeard(turn: Turn, job: JobState): Report {
  if (isTerminalJob(job.status)) return 'stale'
  if (job.step.reason?.code !== 'unreachable') return 'done'
  const by = turn.state.canceledByName
  const agent = job.agentName
  if (job.cancelRequested) setReason(turn, job.step, reason('canceling', by ? { by } : {}))
  else setReason(turn, job.step, reason(heardCode(job.status), { agent }))
  return 'done'
}

function heardCode(status: JobStatus): 'offered' | 'starting' | 'running' {
  if (status === JobStatus.OFFERED) return 'offered'
  return status === JobStatus.RUNNING ? 'running' : 'starting'
}

function jobStarted(turn: Turn, job: JobState, at: Date | undefined): Report {
  if (isTerminalJob(job.status)) return 'stale'
  if (job.status === JobStatus.RUNNING) return jobHeard(turn, job)
  startJob(turn, job, at)
  return 'done'
}

function jobRejected(turn: Turn, job: JobState, message: string): Report {
  if (isTerminalJob(job.status)) return 'stale'
  // Somebody else has heard that it was accepted, or started.
  if (job.status !== JobStatus.OFFERED) return 'done'
  if (job.cancelRequested) {
    finishJob(turn, job, { outcome: Outcome.CANCELED })
    return 'done'
  }
  if (noteWorkspaceUse(turn.state, job, -1) === 0) setPin(turn, job.workspace, null)
  const agent = job.agentName
  job.status = JobStatus.QUEUED
  job.agentId = ''
  job.agentName = ''
  job.offeredAt = null
  job.availableAt = new Date(turn.now.getTime() + rejectedDelayMs)
  turn.jobs.add(job)
  setReason(turn, job.step, reason('rejected', { agent, message }))
  limitQueue(turn, job.step, job.createdAt)
  turn.effects.push({ type: 'jobQueued', jobId: job.id })
  return 'done'
}
