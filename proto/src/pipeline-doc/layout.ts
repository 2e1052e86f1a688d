// Owns where new steps are put on the canvas: to the right of what they wait for, on the first free place.
import type { StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { topologicalOrder } from '../graph.ts'
import { NODE_HEIGHT, NODE_WIDTH, wrapRows } from '../layout-rows.ts'
import type { Point } from './shape.ts'

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
  const free = new FreePlaces(placed.values())
  const added = new Map<string, Point>()
  for (const step of byDepth(steps)) {
    if (places.has(step.id)) continue
    const place = free.take(behind(step, places) ?? origin)
    places.set(step.id, place)
    added.set(step.id, place)
  }
  if (placed.size === 0) inRows(steps, added)
  return added
}

/** To the right of all that a step needs, as high as the highest of them; undefined when none of them has a place. */
function behind(step: StepDefinition, places: ReadonlyMap<string, Point>): Point | undefined {
  let right: Point | undefined
  for (const { stepId } of step.needs) {
    const need = places.get(stepId)
    if (need === undefined) continue
    right = { x: Math.max(need.x, right?.x ?? need.x), y: Math.min(need.y, right?.y ?? need.y) }
  }
  return right && { x: right.x + columnWidth, y: right.y }
}

/** Finds places that nothing lies on, in time that does not grow with what lies there already. */
class FreePlaces {
  /** What lies in each cell of the size of a step, so that only neighbours are compared. */
  private readonly cells = new Map<string, Point[]>()
  /** From a place that is not free, by its coordinates, to one further down that may be. */
  private readonly below = new Map<string, Point>()

  constructor(taken: Iterable<Point>) {
    for (const point of taken) this.put(point)
  }

  /** The first free place from `wish` downwards. */
  take(wish: Point): Point {
    const passed: string[] = []
    let place = wish
    for (;;) {
      const key = `${place.x},${place.y}`
      const lower = this.below.get(key)
      if (lower === undefined && this.isFree(place)) break
      passed.push(key)
      place = lower ?? { x: place.x, y: place.y + rowHeight }
    }
    // Whoever comes to one of these again goes on from here.
    for (const key of passed) this.below.set(key, place)
    this.put(place)
    return { ...place }
  }

  private put(point: Point): void {
    const key = cellKey(Math.floor(point.x / NODE_WIDTH), Math.floor(point.y / NODE_HEIGHT))
    const there = this.cells.get(key)
    if (there) there.push(point)
    else this.cells.set(key, [point])
  }

  private isFree(place: Point): boolean {
    const column = Math.floor(place.x / NODE_WIDTH)
    const row = Math.floor(place.y / NODE_HEIGHT)
    for (let x = column - 1; x <= column + 1; x++) {
      for (let y = row - 1; y <= row + 1; y++) {
        if (this.cells.get(cellKey(x, y))?.some((other) => overlaps(place, other))) return false
      }
    }
    return true
  }
}

function cellKey(x: number, y: number): string {
  return `${x},${y}`
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

/** Steps after what they need; the file's order within a depth. Steps on or behind a cycle count as needing nothing. */
function byDepth(steps: readonly StepDefinition[]): StepDefinition[] {
  const depths = new Map<string, number>()
  for (const step of topologicalOrder(steps)) {
    let depth = 0
    for (const { stepId } of step.needs) depth = Math.max(depth, (depths.get(stepId) ?? -1) + 1)
    depths.set(step.id, depth)
  }
  return steps
    .map((step, index) => ({ step, index, depth: depths.get(step.id) ?? 0 }))
    .sort((a, b) => a.depth - b.depth || a.index - b.index)
    .map(({ step }) => step)
}
