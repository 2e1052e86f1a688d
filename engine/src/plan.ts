// Turns a frozen graph into a run's state: a new one whose steps are all blocked, or one put together again from what was stored.

import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { MatrixValues } from '@ansflow/proto/matrix'
import { isTerminal, JobStatus, RunStatus, StepStatus, statusWord } from '@ansflow/proto/status'
import type { JsonObject } from '@bufbuild/protobuf'
import { noteKnownLabels } from './jobs/workspace-labels.ts'
import type { JobState, RunMeta, RunState, StepState } from './state.ts'
import { copyStep, emptyStep, listedOutputs } from './step-state.ts'
import { blockedReason, noteEarliest } from './turn.ts'
import { nameOf } from './values/own-values.ts'

/** What a run takes over of one that has been: see rerun.ts. */
export interface Reuse {
  steps: StoredRun['steps']
  /** That are used further: their agent, and the run whose they were. */
  workspaces: readonly { name: string; agentId: string; runId: string }[]
}

/** Yields now and then, so that others have their turn while a large run is planned. */
export function* planRun(
  graph: PipelineGraph,
  inputs: JsonObject,
  meta: RunMeta,
  now: Date,
  { steps, workspaces }: Reuse = { steps: [], workspaces: [] },
): Generator<void, RunState> {
  const inherited = new Map(workspaces.map(({ name, runId }) => [name, runId]))
  const state = yield* emptyState(graph, inputs, meta, now, inherited)
  for (const { name, agentId } of workspaces) state.pins.set(name, agentId)
  yield* fillSteps(state, steps)
  yield* indexRun(state)
  for (const step of state.active) {
    step.reason = blockedReason(step)
    yield
  }
  return state
}

/** What is stored of a copy beside the step that it is. */
export interface StoredCopy {
  /** The step whose matrix made it. */
  of: string
  index: number
  values: MatrixValues
}

/** A run as stored: steps without an entry are still blocked. Every copy has one. */
export interface StoredRun {
  head: Partial<RunState>
  steps: ({ id: string; copy: StoredCopy | null } & Partial<Omit<StepState, 'copies' | 'group' | 'matrix'>>)[]
  jobs: ({ stepId: string } & Omit<JobState, 'step'>)[]
  pins: Iterable<readonly [workspace: string, agentId: string]>
  inherited: Iterable<readonly [workspace: string, runId: string]>
}

/** Yields now and then, so that others have their turn while a large run is put together. */
export function* restoreRun(
  graph: PipelineGraph,
  inputs: JsonObject,
  meta: RunMeta,
  stored: StoredRun,
  createdAt: Date,
): Generator<void, RunState> {
  const state = yield* emptyState(graph, inputs, meta, createdAt, new Map(stored.inherited))
  Object.assign(state, stored.head)
  for (const [workspace, agentId] of stored.pins) state.pins.set(workspace, agentId)
  yield* fillSteps(state, stored.steps)
  for (const { stepId, ...fields } of stored.jobs.toSorted((a, b) => a.attempt - b.attempt)) {
    const step = state.steps.get(stepId)
    if (!step) continue
    const job: JobState = { ...fields, step }
    step.attempts.push(job)
    state.jobs.set(job.id, job)
    yield
  }
  yield* indexRun(state)
  for (const step of state.active) {
    if (step.phase === 'blocked') step.reason = blockedReason(step)
    yield
  }
  return state
}

function* fillSteps(state: RunState, stored: StoredRun['steps']): Generator<void> {
  const copies = stored.flatMap(({ copy }) => (copy ? [copy] : []))
  for (const { of, values } of copies.toSorted((a, b) => a.index - b.index)) {
    const group = state.steps.get(of)
    if (group) copyStep(state, group, values)
    yield
  }
  for (const { id, copy, ...fields } of stored) {
    const step = state.steps.get(id)
    if (step) Object.assign(step, fields)
    yield
  }
}

/** Steps in the order of the file, copies behind the step that they are copies of. */
export function* inFileOrder({ graph, steps }: RunState): Generator<StepState> {
  for (const { id } of graph.steps) {
    const step = steps.get(id)!
    yield step
    yield* step.copies ?? []
  }
}

function* emptyState(
  graph: PipelineGraph,
  inputs: JsonObject,
  meta: RunMeta,
  createdAt: Date,
  inherited: RunState['inherited'],
): Generator<void, RunState> {
  const steps = new Map<string, StepState>()
  for (const [index, definition] of graph.steps.entries()) {
    steps.set(definition.id, emptyStep(definition, index))
    yield
  }
  for (const step of steps.values()) {
    for (const need of step.definition.needs) {
      const before = steps.get(need.stepId)
      if (!before) throw new Error(`step ${step.definition.id} needs ${need.stepId}, which the graph does not have`)
      step.needs.push(before)
      before.dependents.push(step)
    }
    yield
  }
  return {
    meta,
    graph,
    inputs,
    steps,
    jobs: new Map(),
    status: graph.concurrency ? RunStatus.WAITING : RunStatus.QUEUED,
    reason: null,
    createdAt,
    startedAt: null,
    finishedAt: null,
    cancelLevel: 0,
    cancelCause: null,
    cancelRequestedAt: null,
    canceledBy: '',
    canceledByName: '',
    outputs: {},
    // Waiting for an agent counts.
    deadline: graph.timeoutMs > 0 ? new Date(createdAt.getTime() + graph.timeoutMs) : null,
    wakeAt: null,
    pins: new Map(),
    inherited,
    active: new Set(),
    timed: new Set(),
    counts: new Array(StepStatus.LOST + 1).fill(0),
    stepValues: {},
    failures: 0,
    workspaceUses: new Map(),
    workspaceLabels: new Map(),
    containerWorkspaces: new Set(),
    copies: 0,
    exporters: 0,
  }
}

/** Computes everything of the state that follows from the rest. */
function* indexRun(state: RunState): Generator<void> {
  state.exporters = 0
  for (const step of state.steps.values()) {
    if (!step.copies) state.counts[step.status]!++
    if (step.exports) state.exporters++
    if (!isTerminal(step.status)) state.active.add(step)
    if (step.status === StepStatus.FAILED && !step.failureAllowed && !step.copies) state.failures++
    if (step.dueAt && !isTerminal(step.status)) {
      state.timed.add(step)
      noteEarliest(state, step.dueAt)
    }
    if (!step.group) {
      state.stepValues[step.id] = { status: statusWord(step.status), outputs: step.outputs }
      step.needsLeft = step.needs.filter((need) => !isTerminal(need.status)).length
    }
    yield
  }
  for (const step of state.steps.values()) {
    if (step.copies) indexCopies(state, step)
    noteKnownLabels(state, step)
    step.name = nameOf(state, step)
    yield
  }
  if (state.deadline && !isTerminal(state.status)) noteEarliest(state, state.deadline)
  for (const job of state.jobs.values()) if (usesWorkspace(job)) noteWorkspaceUse(state, job, 1)
  // What steps of another run have left in them is in use for as long as this one goes on.
  for (const workspace of state.inherited.keys()) noteWorkspaceUse(state, { workspace }, 1)
  spreadFailure([...state.steps.values()].filter(hasFailed))
}

function indexCopies(state: RunState, group: StepState): void {
  const copies = group.copies!
  group.copiesLeft = copies.filter(({ status }) => !isTerminal(status)).length
  group.copiesGoing = copies.filter(({ phase }) => phase !== 'held' && phase !== 'ended').length
  const held = copies.findIndex(({ phase }) => phase === 'held')
  group.nextCopy = held < 0 ? copies.length : held
  group.stopped = (group.definition.matrix?.failFast ?? true) && copies.some((copy) => hasFailed(copy) && !copy.reused)
  if (isTerminal(group.status)) state.stepValues[group.id]!.outputs = listedOutputs(group)
}

/** Answers how many use it now. */
export function noteWorkspaceUse(state: RunState, { workspace }: Pick<JobState, 'workspace'>, change: 1 | -1): number {
  const uses = (state.workspaceUses.get(workspace) ?? 0) + change
  state.workspaceUses.set(workspace, uses)
  return uses
}

function usesWorkspace({ status, agentId }: JobState): boolean {
  return agentId !== '' && status !== JobStatus.QUEUED && status !== JobStatus.LOST
}

/** Whether a step counts as failed for `failure()` of the steps after it. */
export function hasFailed(step: StepState): boolean {
  return (step.status === StepStatus.FAILED && !step.failureAllowed) || step.status === StepStatus.LOST
}

/** Marks everything after a failed step, as far as steps have ended; those that have not mark theirs when they do. */
export function spreadFailure(failed: StepState[]): number {
  let touched = 0
  const spreading = [...failed]
  for (let step = spreading.pop(); step; step = spreading.pop()) {
    for (const next of step.dependents) {
      touched++
      if (next.failedBefore) continue
      next.failedBefore = true
      if (isTerminal(next.status)) spreading.push(next)
    }
  }
  return touched
}
