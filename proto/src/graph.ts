// Questions about a pipeline's edges: cycles, order, ancestors. An edge goes from a step's need to the step.
import type { PipelineGraph, StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'

/** What of a step these functions read, so that an editor can ask before it has whole steps. */
export type StepEdges = Pick<StepDefinition, 'id'> & { needs: readonly { stepId: string }[] }

/**
 * The path from `to` to `from` that an edge `from` → `to` would close, both ends included, or null when it closes none.
 * A step that needs itself gives [id].
 */
export function wouldCycle(steps: readonly StepEdges[], from: string, to: string): string[] | null {
  if (from === to) return [from]
  const dependents = dependentsOf(steps)
  const cameFrom = new Map<string, string>([[to, to]])
  const queue = [to]
  for (let at = 0; at < queue.length; at++) {
    const id = queue[at]!
    for (const next of dependents.get(id) ?? []) {
      if (cameFrom.has(next)) continue
      cameFrom.set(next, id)
      if (next === from) return pathTo(cameFrom, to, from)
      queue.push(next)
    }
  }
  return null
}

function pathTo(cameFrom: Map<string, string>, start: string, end: string): string[] {
  const path = [end]
  for (let id = end; id !== start; ) {
    id = cameFrom.get(id)!
    path.push(id)
  }
  return path.reverse()
}

/** One cycle as the ids along its edges from its first step, first and last the same, or null. Needs of unknown steps do not count. */
export function findCycle(steps: readonly StepEdges[]): string[] | null {
  const left = remaining(steps)
  if (left.size === 0) return null
  // Every step that is left needs another one that is left: going back along needs must meet itself.
  const needs = new Map(steps.map((step) => [step.id, step.needs]))
  const seen = new Map<string, number>()
  const path: string[] = []
  let id: string | undefined = left.values().next().value
  while (id !== undefined && !seen.has(id)) {
    seen.set(id, path.length)
    path.push(id)
    id = needs.get(id)?.find((need) => left.has(need.stepId))?.stepId
  }
  if (id === undefined) return null
  const found = path.slice(seen.get(id)).reverse()
  const members = new Set(found)
  const start = found.indexOf(steps.find((step) => members.has(step.id))!.id)
  const cycle = [...found.slice(start), ...found.slice(0, start)]
  return [...cycle, cycle[0]!]
}

/** Every step after all its needs, else in the given order. Steps on a cycle, and those behind one, are left out. */
export function topologicalOrder<S extends StepEdges>(steps: readonly S[]): S[] {
  const byId = new Map(steps.map((step) => [step.id, step]))
  const order: S[] = []
  walk(steps, (id) => order.push(byId.get(id)!))
  return order
}

/** Ids of all steps that `id` waits for, directly or not; without itself unless it is on a cycle. */
export function ancestors(steps: readonly StepEdges[], id: string): Set<string> {
  const needs = new Map(steps.map((step) => [step.id, step.needs]))
  const found = new Set<string>()
  const queue = [id]
  for (let at = 0; at < queue.length; at++) {
    for (const need of needs.get(queue[at]!) ?? []) {
      if (found.has(need.stepId) || !needs.has(need.stepId)) continue
      found.add(need.stepId)
      queue.push(need.stepId)
    }
  }
  return found
}

/** Ids of the steps that need each step, in the order of the steps. */
export function dependentsOf(steps: readonly StepEdges[]): Map<string, string[]> {
  const dependents = new Map<string, string[]>(steps.map((step) => [step.id, []]))
  for (const step of steps) {
    for (const id of new Set(step.needs.map((need) => need.stepId))) dependents.get(id)?.push(step.id)
  }
  return dependents
}

function remaining(steps: readonly StepEdges[]): Set<string> {
  const left = new Set(steps.map((step) => step.id))
  walk(steps, (id) => left.delete(id))
  return left
}

function walk(steps: readonly StepEdges[], visit: (id: string) => void): void {
  const dependents = dependentsOf(steps)
  const unmet = new Map<string, number>()
  const queue: string[] = []
  for (const step of steps) {
    const known = new Set(step.needs.map((need) => need.stepId).filter((id) => dependents.has(id)))
    unmet.set(step.id, known.size)
    if (known.size === 0) queue.push(step.id)
  }
  for (let at = 0; at < queue.length; at++) {
    const id = queue[at]!
    visit(id)
    for (const next of dependents.get(id) ?? []) {
      const count = unmet.get(next)! - 1
      unmet.set(next, count)
      if (count === 0) queue.push(next)
    }
  }
}

/** The step that says what `git` holds where the run's origin does not: the first that fetches code, in the order of the file; one with copies does not. */
export function firstCheckout({ steps }: Pick<PipelineGraph, 'steps'>): StepDefinition | undefined {
  return steps.find(({ uses, disabled, matrix }) => uses === 'fetch_code' && !disabled && matrix === undefined)
}
