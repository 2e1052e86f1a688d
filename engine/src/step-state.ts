// The states of steps and of their copies as they begin, and what follows of the copies of a step.
import type { StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { copyId, type MatrixValues } from '@ansflow/proto/matrix'
import { type Reason, reason } from '@ansflow/proto/reasons'
import { StepStatus } from '@ansflow/proto/status'
import { outputsOf } from '@ansflow/proto/steps/index'
import type { RunState, StepState } from './state.ts'

export function emptyStep(definition: StepDefinition, index: number): StepState {
  return {
    id: definition.id,
    definition,
    index,
    group: null,
    copyIndex: -1,
    matrix: null,
    name: definition.name || definition.id,
    copies: null,
    needs: [],
    dependents: [],
    phase: 'blocked',
    awaits: null,
    status: StepStatus.BLOCKED,
    reason: null,
    outputs: {},
    exports: null,
    attempts: [],
    queuedAt: null,
    startedAt: null,
    finishedAt: null,
    dueAt: null,
    failureAllowed: false,
    reused: null,
    needsLeft: definition.needs.length,
    namedNeeds: [],
    nextNeed: 0,
    failedBefore: false,
    copiesLeft: 0,
    copiesGoing: 0,
    nextCopy: 0,
    stopped: false,
  }
}

/** One more copy of a step, held back. */
export function copyStep(state: RunState, group: StepState, matrix: MatrixValues): StepState {
  group.copies ??= []
  const { definition, index, needs } = group
  const copyIndex = group.copies.length
  const id = copyId(group.id, copyIndex)
  const copy: StepState = {
    ...emptyStep(definition, index),
    id,
    group,
    copyIndex,
    matrix,
    needs,
    phase: 'held',
    needsLeft: 0,
  }
  group.copies.push(copy)
  state.steps.set(id, copy)
  state.copies++
  return copy
}

/** Of a copy that may not begin yet. */
export function heldReason({ definition }: StepState): Reason {
  return reason('max_parallel', { most: String(definition.matrix?.maxParallel || 1) })
}

/** By name, what each copy has set, in their order; "" where it has not. */
export function listedOutputs({ definition, copies }: StepState): RunState['stepValues'][string]['outputs'] {
  const all = copies ?? []
  const declared = [...definition.outputs, ...outputsOf(definition)]
  const names = new Set([...declared, ...all.flatMap(({ outputs }) => Object.keys(outputs))])
  return Object.fromEntries([...names].map((name) => [name, all.map(({ outputs }) => outputs[name] ?? '')]))
}
