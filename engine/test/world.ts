// A run with agents that do what a list of choices says: any order, repeated and outdated reports, losses, cancels, restarts.

import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { type PipelineGraph, PipelineGraphSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { atOnce } from '@ansflow/proto/pieces'
import { type Reason, reason } from '@ansflow/proto/reasons'
import { isTerminal, isTerminalJob, JobStatus, RunStatus } from '@ansflow/proto/status'
import { byPerson } from '@ansflow/proto/triggers/run-origin'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { advance } from '../src/advance.ts'
import type { AwaitedRun } from '../src/kinds/child-run.ts'
import { isControllerWork } from '../src/kinds/work.ts'
import { planRun, type Reuse, restoreRun, type StoredRun } from '../src/plan.ts'
import type { Changes, JobState, RunEvent, RunMeta, RunState, StepState } from '../src/state.ts'
import { LockLines } from './lock-lines.ts'

export type StepInit = GraphInit['steps']
type GraphInit = NonNullable<Parameters<typeof create<typeof PipelineGraphSchema>>[1]>

type Over = Omit<MessageInitShape<typeof PipelineGraphSchema>, 'steps' | '$typeName'>

export function graphOf(steps: StepInit, over: Over = {}): PipelineGraph {
  const withScript = (steps ?? []).map((step) => ({ uses: 'custom', with: { script: 'true' }, ...step }))
  return create(PipelineGraphSchema, { name: 'test', steps: withScript, ...over } as MessageInitShape<
    typeof PipelineGraphSchema
  >)
}

export function testMeta(): RunMeta {
  let id = 0
  return {
    runId: 'run',
    number: 7,
    pipelineId: 'pipeline',
    pipelineName: 'test',
    projectId: 'project',
    projectSlug: 'project',
    version: 3,
    priority: 0,
    origin: byPerson('', 'Ada'),
    variables: [],
    environments: [],
    newId: () => `job-${++id}`,
  }
}

export const epochStart = new Date('2030-01-01T00:00:00Z')

export interface World {
  state: RunState
  now: Date
  log: { event: RunEvent; at: Date }[]
  locks: LockLines
  check: (changes: Changes, event: RunEvent) => void
  restart: (state: RunState) => RunState
}

/** `foreign`: others that are before each asking for a lock. */
export function newWorld(
  graph: PipelineGraph,
  check: World['check'] = () => undefined,
  foreign = 0,
  reuse?: Reuse,
): World {
  const state = atOnce(planRun(graph, {}, testMeta(), epochStart, reuse))
  return { state, now: epochStart, log: [], locks: new LockLines(foreign), check, restart }
}

export function apply(world: World, event: RunEvent): Changes {
  world.log.push({ event, at: world.now })
  const changes = atOnce(advance(world.state, event, world.now))
  world.locks.work(changes.locks)
  world.check(changes, event)
  return changes
}

const agents = ['agent', 'other'] as const

const outcomes = [
  Outcome.SUCCEEDED,
  Outcome.SUCCEEDED,
  Outcome.FAILED,
  Outcome.TIMED_OUT,
  Outcome.CANCELED,
  Outcome.LOST,
]

/** Does one thing that could happen now. `choice` picks what. */
export function tick(world: World, choice: number): void {
  const { state } = world
  const kind = choice % 16
  const pick = Math.floor(choice / 16)
  const live = [...state.jobs.values()].filter((job) => !isTerminalJob(job.status))
  const job = live[pick % live.length]
  const asked = askedIn(state)
  const called = calledIn(state)
  const locks = world.locks.claims.length > 0
  if (locks && (kind === 11 || kind === 12 || (!job && kind > 7))) tellOfLocks(world, pick)
  else if (kind === 0 && pick % 3 === 0) apply(world, { type: 'cancelRequested', by: 'u', byName: 'Ada' })
  else if (kind === 2 && world.log.length > 0) apply(world, world.log[pick % world.log.length]!.event)
  else if (kind === 3) wrongReport(world, pick)
  else if (kind === 4) world.state = world.restart(state)
  else if (asked.length > 0 && (kind === 10 || (!job && kind > 5))) decide(world, asked[pick % asked.length]!, pick)
  else if (called.length > 0 && (kind === 11 || (!job && kind > 5)))
    tellOfChild(world, called[pick % called.length]!, pick)
  else if (kind === 1 || !job) passTime(world)
  else report(world, job, kind, Math.floor(pick / live.length))
}

/** What whoever keeps the locks may say: also again, and of what is over. */
function tellOfLocks(world: World, pick: number): void {
  const { locks } = world
  const turns = locks.turns()
  const waiting = locks.waiting()
  const by = { runId: 'other', number: 8, pipeline: 'other', step: '', waits: pick % 2 === 0 }
  const want = { kind: 'group', name: 'g', most: 1 } as const
  const of = waiting[pick % waiting.length]
  if (pick % 11 === 0) apply(world, { type: 'superseded', of: '', change: 1, want, by })
  else if (pick % 17 === 0 && of === '') apply(world, { type: 'lockRefused', of, change: 1, want, by })
  else if (pick % 13 === 0) apply(world, { type: 'lockGiven', of: `s${pick % 12}#9`, change: 1 })
  else if (turns.length > 0 && pick % 3 > 0) giveLock(world, turns[pick % turns.length]!)
  else if (of !== undefined && pick % 5 === 0) apply(world, { type: 'lockWaits', of, change: 1, want, ahead: by })
  else if (!locks.letOneGo() && turns.length > 0) giveLock(world, turns[0]!)
  else if (world.locks.claims.length === 0) passTime(world)
}

function giveLock(world: World, of: string): void {
  apply(world, { type: 'lockGiven', of, change: 1 })
}

/** Steps that people are to decide. */
function askedIn({ active }: RunState): StepState[] {
  return [...active].filter(({ awaits }) => awaits?.kind === 'approval')
}

const people = ['ada', 'ben', 'cy'] as const

/** By one of three people, also again, and also about an approval that never was. */
function decide(world: World, step: StepState, pick: number): void {
  const by = people[pick % 3]!
  const approve = pick % 5 > 0
  const approvalId = pick % 7 === 0 ? 'another' : idOf(step)
  const vote = { by, byName: by, approve, comment: '', answers: { v: 'x' } }
  const { result } = apply(world, { type: 'approvalDecided', stepId: step.id, approvalId, vote })
  if (approvalId === 'another' && result !== 'stale') throw new Error(`an answer to another approval was ${result}`)
}

/** Steps whose runs have not ended. */
function calledIn({ active }: RunState): StepState[] {
  return [...active].filter(({ awaits }) => awaits?.kind === 'run')
}

const child = { pipelineName: 'other', number: 1 }

/** What is told of a run that a step has asked for, also of one that it never has. */
function tellOfChild(world: World, step: StepState, pick: number): void {
  const childId = pick % 7 === 0 ? 'another' : (step.awaits as AwaitedRun).id
  const it = { stepId: step.id, childId }
  const ends = [RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELED, RunStatus.LOST]
  const events: RunEvent[] = [
    { type: 'childStarted', ...it, ...child },
    { type: 'childStarted', ...it, ...child },
    { type: 'childRefused', ...it, why: reason('child_missing', { pipeline: 'other' }) },
    { type: 'childEnded', ...it, ...child, status: ends[pick % 4]!, outputs: { v: 'x' } },
  ]
  const { result } = apply(world, events[Math.floor(pick / 7) % 4]!)
  if (childId === 'another' && result !== 'stale') throw new Error(`news of another run was ${result}`)
}

function endChild(world: World, step: StepState): void {
  const { id: childId } = step.awaits as AwaitedRun
  const status = RunStatus.SUCCEEDED
  apply(world, { type: 'childEnded', stepId: step.id, childId, ...child, status, outputs: {} })
}

function idOf({ awaits }: StepState): string {
  return awaits?.kind === 'approval' ? awaits.id : ''
}

/** Whoever has not yet approves. */
export function approve(world: World, step: StepState): void {
  const { awaits } = step
  if (awaits?.kind !== 'approval') throw new Error('nobody is asked')
  const by = people.find((one) => !awaits.approvedBy.some(({ id }) => id === one))!
  const vote = { by, byName: by, approve: true, comment: '', answers: {} }
  apply(world, { type: 'approvalDecided', stepId: step.id, approvalId: awaits.id, vote })
}

function wantsLock({ status, steps }: RunState, of: string): boolean {
  if (of === '') return status === RunStatus.WAITING
  const awaits = steps.get(of.slice(0, of.lastIndexOf('#')))?.awaits
  return awaits?.kind === 'locks' && awaits.of === of
}

/** Time goes to the next moment the run asked for. */
export function passTime(world: World): void {
  const next = world.state.wakeAt
  world.now = new Date(Math.max(world.now.getTime() + 1, next?.getTime() ?? 0))
  apply(world, { type: 'timer' })
}

function report(world: World, job: JobState, kind: number, pick: number): void {
  if (isControllerWork(job)) {
    work(world, job, kind, outcomes[pick % 3 === 0 ? 2 : 0]!)
    return
  }
  const id = { jobId: job.id, epoch: job.epoch }
  const outcome = outcomes[pick % outcomes.length]!
  if (kind === 5) apply(world, { type: 'jobRejected', ...id, reason: 'full' })
  else if (kind === 6) apply(world, { type: 'jobLost', ...id })
  else if (kind === 7) finish(world, job, outcome)
  else if (kind === 8) aboutItsAgent(world, job, pick)
  else if (kind === 9) claim(world, job, agents[pick % 2]!)
  else proceed(world, job, outcome)
}

function aboutItsAgent(world: World, job: JobState, pick: number): void {
  const id = { jobId: job.id, epoch: job.epoch }
  const { now } = world
  if (pick % 5 === 0) apply(world, { type: 'jobStranded', jobId: job.id, agentId: agents[0], agentName: 'agent' })
  else if (pick % 5 < 3) apply(world, { type: 'jobSilent', ...id, since: now, lostAt: new Date(now.getTime() + 1) })
  else apply(world, { type: 'jobHeard', ...id })
}

/** By whichever agent: one that may not have the job does not get it. */
function claim(world: World, job: JobState, agentId: string): void {
  const { pins } = world.state
  const free = job.status === JobStatus.QUEUED && (pins.get(job.workspace) ?? agentId) === agentId
  const { result } = apply(world, { type: 'jobOffered', jobId: job.id, agentId, agentName: agentId })
  if (result !== (free ? 'applied' : 'stale')) throw new Error(`the claim of ${job.id} for ${agentId} was ${result}`)
}

/** Controllers take it, also from one that is not heard of any more, whose answer comes too late then. */
function work(world: World, job: JobState, kind: number, outcome: Outcome): void {
  const { id: jobId, epoch } = job
  if (kind < 8) apply(world, { type: 'workTaken', jobId, epoch: epoch + 1 })
  else if (kind < 10) {
    const late = apply(world, { type: 'workDone', jobId, epoch: epoch - 1, outcome })
    if (late.result !== 'stale') throw new Error(`an answer of another taker was ${late.result}`)
  } else if (epoch > 0) finishWork(world, job, outcome)
}

function finishWork(world: World, { id: jobId, epoch }: JobState, outcome: Outcome): void {
  apply(world, { type: 'workDone', jobId, epoch, outcome, outputs: { v: 'x' } })
}

/** The next thing a good agent, or the controller, would say. */
export function proceed(world: World, job: JobState, outcome: Outcome = Outcome.SUCCEEDED): void {
  const { id: jobId, epoch } = job
  if (isControllerWork(job)) {
    if (epoch === 0) apply(world, { type: 'workTaken', jobId, epoch: 1 })
    else finishWork(world, job, outcome)
    return
  }
  switch (job.status) {
    case JobStatus.QUEUED:
      claim(world, job, world.state.pins.get(job.workspace) ?? agents[0])
      break
    case JobStatus.OFFERED:
      apply(world, { type: 'jobAccepted', jobId, epoch })
      break
    case JobStatus.ACCEPTED:
      apply(world, { type: 'jobStarted', jobId, epoch })
      break
    default:
      finish(world, job, outcome)
  }
}

function finish(world: World, job: JobState, outcome: Outcome): void {
  const exit = outcome === Outcome.FAILED ? { exitCode: 1 } : outcome === Outcome.SUCCEEDED ? { exitCode: 0 } : {}
  // Every third sets something for the steps behind it.
  const exports = Number(/\d+$/.exec(job.id)?.[0]) % 3 === 0 && { env: { SET: job.id }, path: [`/${job.id}`] }
  const end = { outcome, ...exit, outputs: { v: 'x' }, ...(exports && { exports }) }
  apply(world, { type: 'jobFinished', jobId: job.id, epoch: job.epoch, ...end })
}

/** A report about an epoch that is over, or about a job that never was: it must change nothing. */
function wrongReport(world: World, pick: number): void {
  const jobs = [...world.state.jobs.values()]
  const job = jobs[pick % jobs.length]
  const epoch = job && job.epoch > 0 ? job.epoch - 1 : 99
  const id = { jobId: job?.id ?? 'nothing', epoch }
  const types = ['jobAccepted', 'jobStarted', 'jobLost'] as const
  const changes = apply(world, { type: types[pick % 3]!, ...id })
  if (changes.result !== 'stale') throw new Error(`a report of another epoch was ${changes.result}`)
}

/** All of a state that does not follow from the rest. */
export function storedOf(state: RunState): StoredRun {
  const { meta, graph, inputs, createdAt, steps, jobs, pins, inherited, ...others } = state
  const { active, timed, counts, failures, stepValues, workspaceUses, workspaceLabels, copies, ...head } = others
  return {
    head,
    steps: [...steps.values()]
      .filter(({ phase }) => phase !== 'blocked')
      .map(({ definition, index, needs, dependents, attempts, name, group, copyIndex, matrix, copies: _, ...step }) => {
        const { needsLeft, namedNeeds, nextNeed, failedBefore, ...others } = step
        const { copiesLeft, copiesGoing, nextCopy, stopped, ...fields } = others
        const copy = group && { of: group.id, index: copyIndex, values: matrix! }
        return { ...fields, copy }
      }),
    jobs: [...jobs.values()].map(({ step, ...job }) => ({ stepId: step.id, ...job })),
    pins: [...pins],
    inherited: [...inherited],
  }
}

/** The state as another process would load it, had every field of it been stored. */
export function restart(state: RunState): RunState {
  const { meta, graph, inputs, createdAt } = state
  return atOnce(restoreRun(graph, inputs, meta, storedOf(state), createdAt))
}

/** Everything a step is, as text; two states are the same when their pictures are. */
export function pictureOf(step: StepState): string {
  const { status, reason, outputs, exports, failureAllowed } = step
  const times = `${time(step.queuedAt)} ${time(step.startedAt)} ${time(step.finishedAt)} ${time(step.dueAt)} ${step.reused?.number}`
  let text = `${status} ${step.phase} ${JSON.stringify(step.awaits)} ${reasonOf(reason)} ${outputs.v} ${exports?.env.SET} ${times} ${failureAllowed}`
  for (const job of step.attempts) {
    text += `\n${job.id} ${job.attempt} ${job.status} ${job.epoch} ${job.agentId} ${job.cancelRequested} ${job.exitCode}`
    text += ` ${time(job.startedAt)} ${time(job.finishedAt)} ${time(job.availableAt)} ${reasonOf(job.reason)}`
  }
  return text
}

function time(at: Date | null): number {
  return at ? at.getTime() : 0
}

function reasonOf(reason: Reason | null): string {
  return reason ? reason.code + Object.values(reason.params).join() : ''
}

export function picture(state: RunState): Record<string, unknown> {
  const { status, reason, startedAt, finishedAt, cancelLevel, cancelCause, deadline, failures, outputs } = state
  const steps = Object.fromEntries([...state.steps].map(([id, step]) => [id, [pictureOf(step), indicesOf(step)]]))
  return {
    status,
    reason,
    startedAt,
    finishedAt,
    cancelLevel,
    cancelCause,
    deadline,
    failures,
    outputs,
    counts: state.counts,
    uses: usesOf(state),
    values: state.stepValues,
    labels: state.workspaceLabels,
    pins: Object.fromEntries(state.pins),
    steps,
  }
}

function usesOf({ workspaceUses }: RunState): string {
  return [...workspaceUses]
    .filter(([, uses]) => uses > 0)
    .sort()
    .join()
}

function indicesOf({ needsLeft, failedBefore, copiesLeft, copiesGoing, stopped, matrix, name }: StepState): string {
  return `${needsLeft} ${failedBefore} ${copiesLeft} ${copiesGoing} ${stopped} ${JSON.stringify(matrix)} ${name}`
}

export function isOver(world: World): boolean {
  return isTerminal(world.state.status)
}

/** From here on everybody behaves: the run must end. Answers how many events that took. */
export function runToEnd(world: World, outcome: Outcome = Outcome.SUCCEEDED): number {
  for (let events = 0; ; events++) {
    if (isOver(world)) return events
    if (events > 200 + world.state.steps.size * 200) throw new Error('the run does not end')
    const job = [...world.state.jobs.values()].find(({ status }) => !isTerminalJob(status))
    const [asked] = askedIn(world.state)
    const [called] = calledIn(world.state)
    const lock = world.locks.turns().find((of) => wantsLock(world.state, of))
    if (lock !== undefined) giveLock(world, lock)
    else if (world.locks.letOneGo()) continue
    else if (job) proceed(world, job, outcome)
    else if (asked && !(asked.dueAt && asked.dueAt <= world.now)) approve(world, asked)
    else if (called && !(called.dueAt && called.dueAt <= world.now)) endChild(world, called)
    else passTime(world)
  }
}
