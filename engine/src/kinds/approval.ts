// Steps that people decide: what is asked is told once, each answer is an event, and the last one that is needed, a rejection or the
// expiry ends the step. Who may answer is asked before the event is made.
import { type ApprovalAsk, defaultAnswers } from '@ansflow/proto/approval'
import { type Reason, reason } from '@ansflow/proto/reasons'
import { StepStatus } from '@ansflow/proto/status'
import { startRun } from '../jobs/start-job.ts'
import type { Awaited, RunEvent, StepState } from '../state.ts'
import { durationText } from '../timeout-reason.ts'
import { endStep, enter, setDue, setReason, type Turn } from '../turn.ts'
import { knownTimeoutOf } from '../values/own-values.ts'

export type AwaitedApproval = Extract<Awaited, { kind: 'approval' }>

/** What one person has decided. */
export interface Vote {
  by: string
  byName: string
  approve: boolean
  comment: string
  /** The answers, as outputs. */
  answers: Record<string, string>
}

/** What became of an approval; the objects are the state's own. */
export type ApprovalChange =
  | { type: 'asked'; step: StepState; approvalId: string; ask: ApprovalAsk; until: Date | null }
  /** `place`: how many have decided before. */
  | { type: 'decided'; step: StepState; approvalId: string; vote: Vote; place: number }
  /** Its step has ended, in whatever way. */
  | { type: 'closed'; step: StepState; approvalId: string }

export function awaitApproval(turn: Turn, step: StepState, ask: ApprovalAsk): void {
  const { now, state } = turn
  const timeoutMs = knownTimeoutOf(turn.state, step)
  step.queuedAt = now
  step.startedAt = now
  startRun(turn, step, now)
  const until = ask.expiresMs > 0 ? new Date(now.getTime() + ask.expiresMs) : null
  const awaited: AwaitedApproval = {
    kind: 'approval',
    id: state.meta.newId(),
    required: ask.required,
    approvers: ask.approvers,
    approvedBy: [],
    until: until?.toISOString() ?? null,
    after: until ? durationText(ask.expiresMs) : '',
    onExpiry: ask.onExpiry,
    answers: defaultAnswers(ask.fields),
  }
  enter(turn, step, awaited, StepStatus.WAITING, waits(awaited))
  turn.approvals.push({ type: 'asked', step, approvalId: awaited.id, ask, until })
  const timeout = timeoutMs > 0 ? new Date(now.getTime() + timeoutMs) : null
  setDue(turn, step, timeout && !(until && until <= timeout) ? timeout : until)
}

/** Whoever has decided before, or comes when it is over, changes nothing. */
export function approvalDecided(turn: Turn, event: Extract<RunEvent, { type: 'approvalDecided' }>): 'done' | 'stale' {
  turn.touched++
  const { vote } = event
  const step = turn.state.steps.get(event.stepId)
  const awaits = step?.awaits
  if (!step || awaits?.kind !== 'approval' || awaits.id !== event.approvalId || hasExpired(turn, awaits)) return 'stale'
  if (awaits.approvedBy.some(({ id }) => id === vote.by)) return 'done'
  turn.approvals.push({ type: 'decided', step, approvalId: awaits.id, vote, place: awaits.approvedBy.length })
  turn.steps.add(step)
  if (!vote.approve) {
    const comment = shortened(vote.comment)
    const by = { by: vote.byName, ...(comment && { comment }) }
    end(turn, step, awaits, StepStatus.FAILED, reason('approval_rejected', by), vote)
    return 'done'
  }
  awaits.approvedBy = [...awaits.approvedBy, { id: vote.by, name: vote.byName }]
  if (awaits.approvedBy.length < awaits.required) setReason(turn, step, waits(awaits))
  else end(turn, step, awaits, StepStatus.SUCCEEDED, reason('approved', { by: names(awaits) }), vote)
  return 'done'
}

/** It has expired, or the step's own timeout came first. */
export function approvalDue(turn: Turn, step: StepState, awaits: AwaitedApproval): void {
  if (!hasExpired(turn, awaits)) {
    endStep(turn, step, StepStatus.FAILED, reason('timeout', { after: durationText(knownTimeoutOf(turn.state, step)) }))
    return
  }
  const approved = awaits.onExpiry === 'approve'
  const why = reason('approval_expired', { after: awaits.after, ...(approved && { approved: 'true' }) })
  end(turn, step, awaits, approved ? StepStatus.SUCCEEDED : StepStatus.FAILED, why)
}

function hasExpired({ now }: Turn, { until }: AwaitedApproval): boolean {
  return until !== null && now >= new Date(until)
}

function end(turn: Turn, step: StepState, awaits: AwaitedApproval, status: StepStatus, why: Reason, vote?: Vote): void {
  const decision = vote ? (vote.approve ? 'approved' : 'rejected') : 'expired'
  const decidedBy = vote && !vote.approve ? vote.byName : names(awaits)
  step.outputs = { ...awaits.answers, ...vote?.answers, decision, decidedBy, comment: vote?.comment ?? '' }
  endStep(turn, step, status, why)
}

function names({ approvedBy }: AwaitedApproval): string {
  return approvedBy.map(({ name }) => name).join(', ')
}

const mostNamed = 4

function waits({ approvers, approvedBy, required, until }: AwaitedApproval): Reason {
  return reason('approval_waits', {
    approvers: approvers.slice(0, mostNamed).join(', '),
    ...(approvers.length > mostNamed && { more: 'true' }),
    have: String(approvedBy.length),
    required: String(required),
    ...(until && { until }),
  })
}

const longestInReason = 300

function shortened(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ')
  return line.length > longestInReason ? `${Array.from(line).slice(0, longestInReason).join('')} …` : line
}
