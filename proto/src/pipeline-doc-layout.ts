// Owns where new steps are put on the canvas: to the right of what they wait for, on the first free place.
import type { StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { NODE_HEIGHT, NODE_WIDTH, wrapRows } from './layout-rows.ts'
import type { Point } from './pipeline-doc-shape.ts'

/** As far apart as tidying puts them. */
const columnWidth = NODE_WIDTH + 40
const rowHeight = NODE_HEIGHT + 24

/** Places for the steps that have none, by step id; `placed` are the places that are taken, by step id. */
export function layOut(
  steps: readonly StepDefinition[],
  placed: ReadonlyMap<string, Point>,
  at?: Point,
): Map<string, Point> {
  const origin = at ?? { x: 0, y: 0 }
  const places = new Map(placed)
  const added = new Map<string, Point>()
  for (const step of byDepth(steps)) {
    if (places.has(step.id)) continue
    const needs = step.needs.flatMap(({ stepId }) => places.get(stepId) ?? [])
    const wish =
      needs.length > 0
        ? { x: Math.max(...needs.map(({ x }) => x)) + columnWidth, y: Math.min(...needs.map(({ y }) => y)) }
        : { ...origin }
    while ([...places.values()].some((other) => overlaps(wish, other))) wish.y += rowHeight
    places.set(step.id, wish)
    added.set(step.id, wish)
  }
  if (placed.size === 0) inRows(steps, added)
  return added
}

/** A whole graph that nobody has arranged yet. */
function inRows(steps: readonly StepDefinition[], places: Map<string, Point>): void {
  const placed = [...places].map(([id, place]) => ({ id, ...place }))
  const edges = steps.flatMap(({ id, needs }) =>
    needs.filter(({ stepId }) => places.has(stepId)).map(({ stepId }) => ({ source: stepId, target: id })),
  )
  wrapRows(placed, edges)
  for (const { id, x, y } of placed) places.set(id, { x, y })
}

function overlaps(a: Point, b: Point): boolean {
  return Math.abs(a.x - b.x) < NODE_WIDTH && Math.abs(a.y - b.y) < NODE_HEIGHT
}

/** Steps after what they need; the file's order within a depth. Steps on a cycle count as needing nothing more. */
function byDepth(steps: readonly StepDefinition[]): StepDefinition[] {
  const byId = new Map(steps.map((step) => [step.id, step]))
  const depths = new Map<string, number>()
  const depthOf = (step: StepDefinition): number => {
    const known = depths.get(step.id)
    if (known !== undefined) return known
    depths.set(step.id, 0)
    let depth = 0
    for (const { stepId } of step.needs) {
      const need = byId.get(stepId)
      if (need) depth = Math.max(depth, depthOf(need) + 1)
    }
    depths.set(step.id, depth)
    return depth
  }
  return steps
    .map((step, index) => ({ step, index, depth: depthOf(step) }))
    .sort((a, b) => a.depth - b.depth || a.index - b.index)
    .map(({ step }) => step)
}
