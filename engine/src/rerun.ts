// Which steps of a run that has been are run again, and what the new run takes over of the others: how each ended, with its outputs.
// What cannot be reused is refused with the steps to run from instead; nothing is ever left out or run in its place.
import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { ancestors } from '@ansflow/proto/graph'
import { type Reason, reason } from '@ansflow/proto/reasons'
import { isTerminal, StepStatus } from '@ansflow/proto/status'
import { inputsReadBy } from '@ansflow/proto/step-expressions'
import { type Said, say } from '@ansflow/proto/texts/say'
import type { JsonObject } from '@bufbuild/protobuf'
import type { StoredRun } from './plan.ts'
import type { RunState, StepState } from './state.ts'
import { heldReason } from './step-state.ts'

/** `failed`: what failed, and all behind it. `from`: the named steps, and all behind them. `alone`: one step. */
export type RerunMode = 'failed' | 'from' | 'alone'

export interface RerunAsk {
  mode: RerunMode
  /** Keys of steps and ids of copies; with `failed` these too. */
  stepIds: readonly string[]
  inputs: JsonObject
  /** Who asks may not have been the one who approved. */
  hasApproved: (step: StepState) => boolean
}

export interface Rerun {
  /** The frozen one; of a step alone, that and what it waits for. */
  graph: PipelineGraph
  /** What the new run begins with. */
  steps: StoredRun['steps']
  /** Steps that are to run. */
  runs: readonly StepState[]
  /** Steps and copies of the earlier run that are not run again. */
  reused: readonly StepState[]
}

export class RerunRefused extends Error {
  override readonly name = 'RerunRefused'
  readonly said: Said
  /** To run again from, instead. */
  readonly include: readonly string[]

  constructor(said: Said, include: readonly string[] = []) {
    super(said.code)
    this.said = said
    this.include = include
  }
}

/** Throws a RerunRefused. */
export function planRerun(earlier: RunState, ask: RerunAsk, now: Date): Rerun {
  const chosen = chosenOf(earlier, ask)
  const { whole, copies } = spread(chosen, ask.mode !== 'alone')
  const graph = ask.mode === 'alone' ? upTo(earlier.graph, chosen[0]!) : earlier.graph
  const own = graph.steps.map(({ id }) => earlier.steps.get(id)!)
  const reused = own
    .flatMap((step) => (whole.has(step) ? [] : [step, ...(step.copies ?? [])]))
    .filter((step) => !copies.has(step) && !isPartly(step, copies))
  const open = reused.find(({ status }) => !isTerminal(status))
  if (open) throw new RerunRefused(say('rerun_open', { step: open.id }), [keyOf(open)])
  checkInputs(earlier, reused, ask.inputs)
  checkApprovals(earlier, reused, [...whole, ...copies], ask)
  for (const step of chosen) checkNeeds(step, whole)
  const steps = own.flatMap((step) => (whole.has(step) ? [] : storedOf(earlier, step, copies, now)))
  const runs = own.flatMap((step) =>
    whole.has(step) ? [step] : (step.copies ?? []).filter((copy) => copies.has(copy)),
  )
  return { graph, steps, runs, reused }
}

function chosenOf({ steps }: RunState, { mode, stepIds }: RerunAsk): StepState[] {
  const named = stepIds.map((id) => {
    const step = steps.get(id)
    if (!step) throw new RerunRefused(say('rerun_no_step', { step: id }))
    return step
  })
  if (mode === 'failed') {
    const failed = [...steps.values()].filter((step) => !step.copies && hasEndedBadly(step))
    if (failed.length === 0) throw new RerunRefused(say('rerun_none_failed'))
    return [...failed, ...named]
  }
  if (named.length === 0 || (mode === 'alone' && named.length > 1)) throw new RerunRefused(say('rerun_steps'))
  return named
}

/** A copy that was left out for another's failure is as one that failed. */
function hasEndedBadly({ status, failureAllowed, reason: why }: StepState): boolean {
  if (status === StepStatus.FAILED) return !failureAllowed
  if (status === StepStatus.SKIPPED) return why?.code === 'fail_fast'
  return status === StepStatus.CANCELED || status === StepStatus.LOST
}

/** What runs: steps as a whole, and single copies of those whose others do not. */
function spread(chosen: readonly StepState[], further: boolean): { whole: Set<StepState>; copies: Set<StepState> } {
  const whole = new Set(chosen.filter(({ group }) => !group))
  const behind = further ? chosen.flatMap((step) => (step.group ?? step).dependents) : []
  for (let step = behind.pop(); step; step = behind.pop()) {
    if (whole.has(step)) continue
    whole.add(step)
    behind.push(...step.dependents)
  }
  const copies = new Set(chosen.filter(({ group }) => group && !whole.has(group)))
  return { whole, copies }
}

/** One that was left out for how a need ended would be left out again for it, if that is reused. */
function checkNeeds({ id, status, reason: why, group, needs }: StepState, runs: ReadonlySet<StepState>): void {
  if (status !== StepStatus.SKIPPED || why?.code !== 'need_not_met' || why.params.condition) return
  const need = (group?.needs ?? needs).find((before) => before.id === why.params.step)
  if (need && !runs.has(need)) throw new RerunRefused(say('rerun_need', { step: id, need: need.id }), [need.id])
}

function isPartly({ copies: all }: StepState, chosen: ReadonlySet<StepState>): boolean {
  return all?.some((copy) => chosen.has(copy)) ?? false
}

function keyOf({ id, group }: StepState): string {
  return group?.id ?? id
}

function upTo(graph: PipelineGraph, step: StepState): PipelineGraph {
  const key = keyOf(step)
  const wanted = ancestors(graph.steps, key).add(key)
  return { ...graph, steps: graph.steps.filter(({ id }) => wanted.has(id)) }
}

function checkInputs({ graph, inputs: before }: RunState, reused: readonly StepState[], inputs: JsonObject): void {
  const changed = changedInputs(before, inputs)
  if (changed.length === 0) return
  for (const step of reused) {
    const read = inputsReadBy(graph, step.definition, changed)
    if (read.length === 0 || step.definition.disabled) continue
    throw new RerunRefused(say('rerun_input', { step: step.id, inputs: read.join(', ') }), [keyOf(step)])
  }
}

export function changedInputs(before: JsonObject, after: JsonObject): string[] {
  return Object.keys(after).filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
}

/**
 * An approval counts further for the same graph, the same inputs and what was made before it, if it was given, and not by whoever
 * runs again now. Nothing runs past one that does not.
 */
function checkApprovals(earlier: RunState, reused: readonly StepState[], runs: StepState[], ask: RerunAsk): void {
  const approvals = reused.filter(({ definition, copies }) => definition.uses === 'approval' && !copies)
  if (approvals.length === 0) return
  const before = new Set<StepState>()
  const waiting = runs.flatMap(({ group, needs }) => (group ? [group, ...needs] : needs))
  for (let step = waiting.pop(); step; step = waiting.pop()) {
    if (before.has(step)) continue
    before.add(step)
    waiting.push(...step.needs)
  }
  const hasOthers = changedInputs(earlier.inputs, ask.inputs).length > 0
  for (const step of approvals) {
    if (!before.has(step.group ?? step) || wasNotAsked(step)) continue
    const refuse = (said: Said) => new RerunRefused(said, [keyOf(step)])
    if (step.status !== StepStatus.SUCCEEDED) throw refuse(say('rerun_not_approved', { step: step.id }))
    if (hasOthers) throw refuse(say('rerun_approved_inputs', { step: step.id }))
    if (ask.hasApproved(step) && step.definition.with?.['selfApproval'] !== true) {
      throw refuse(say('rerun_own_approval', { step: step.id }))
    }
  }
}

/** What comes before it is reused, so it would be left out again. */
function wasNotAsked({ status, reason: why }: StepState): boolean {
  return status === StepStatus.SKIPPED && why?.code !== 'fail_fast'
}

function storedOf(
  earlier: RunState,
  step: StepState,
  copies: ReadonlySet<StepState>,
  now: Date,
): StoredRun['steps'][number][] {
  const all = step.copies ?? []
  if (!isPartly(step, copies)) return [step, ...all].map((each) => reusedStep(earlier, each))
  const why = reason('copies', { count: String(all.length) })
  const group = { ...openStep(step, 'copies', StepStatus.QUEUED, why), queuedAt: now }
  const others = all.map((copy) =>
    copies.has(copy) ? openStep(copy, 'held', StepStatus.BLOCKED, heldReason(step)) : reusedStep(earlier, copy),
  )
  return [group, ...others]
}

function reusedStep({ meta }: RunState, step: StepState): StoredRun['steps'][number] {
  const { id, status, reason: why, outputs, exports, failureAllowed, queuedAt, startedAt, finishedAt } = step
  // Where it was run, however often it has been reused.
  const reused = step.reused ?? { runId: meta.runId, number: meta.number, attempts: step.attempts.length }
  const ended = { status, reason: why, outputs, exports, failureAllowed, queuedAt, startedAt, finishedAt, reused }
  return { id, copy: copyOf(step), phase: 'ended', ...ended }
}

function openStep(step: StepState, phase: 'copies' | 'held', status: StepStatus, why: Reason) {
  return { id: step.id, copy: copyOf(step), phase, status, reason: why }
}

function copyOf({ group, copyIndex, matrix }: StepState): StoredRun['steps'][number]['copy'] {
  return group && { of: group.id, index: copyIndex, values: matrix! }
}
