// What a run that is only foreseen, and its steps, would want to have to themselves.
import { ExpressionError } from '@ansflow/proto/expression'
import type { PipelineGraph, StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { groupOf, type LockWant } from '../gates/locks.ts'
import type { RunState, StepState } from '../state.ts'
import { locksOf } from '../values/own-values.ts'

/** Its place in a group. Undefined: it wants none, or which one is not known. */
export function groupWanted(state: RunState, graph: PipelineGraph): LockWant | undefined {
  return graph.concurrency && known(() => groupOf({ ...state, graph }))
}

/** `definition`: as it was written. What is known only in the run is left out. */
export function locksWanted(state: RunState, step: StepState, definition: StepDefinition): LockWant[] {
  const locks = known(() => locksOf(state, { ...step, definition })) ?? []
  return locks.map(({ name, limit }) => ({ kind: 'lock', name, most: limit }))
}

function known<T>(ask: () => T): T | undefined {
  try {
    return ask()
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    return undefined
  }
}
