// From the projected pipeline to what the canvas draws. Pure; equal parts keep their identity, so that one edit redraws one node.
import { hasLocks } from '@ansflow/proto/fields/locks'
import { type PipelineGraph, type Problem, Severity, type StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { NODE_HEIGHT, NODE_WIDTH } from '@ansflow/proto/layout-rows'
import type { EdgeKind, ProjectedEdge } from '@ansflow/proto/pipeline-doc'
import { countCopies } from '../forms/matrix-form.ts'
import { type Box, clearTrunk, goesBack, type Trunk } from './edge-route.ts'

export { NODE_HEIGHT, NODE_WIDTH }
export const GRID = 20

export type ProblemLevel = 'error' | 'warning' | 'info' | ''

export type { EdgeKind }

export interface StepView {
  /** Of the node in the live document. */
  nodeId: string
  /** The step's key in the file. */
  key: string
  title: string
  summary: string
  uses: string
  x: number
  y: number
  disabled: boolean
  hasCondition: boolean
  hasRetry: boolean
  hasLocks: boolean
  /** What it deploys to, as it is written; empty: nothing. */
  environment: string
  /** "×6", or "×?" where only a run knows; empty: it has no matrix. */
  copies: string
  problem: ProblemLevel
  problemCount: number
  /** Output handles beside success that are in use. */
  failureOut: boolean
  alwaysOut: boolean
  /** Titles of the steps it waits for, for people who do not see the lines. */
  needs: string
}

export interface EdgeView {
  key: string
  source: string
  target: string
  kind: EdgeKind
  condition: string
  suspended: boolean
  trunk: Trunk
}

export interface GraphView {
  steps: ReadonlyMap<string, StepView>
  edges: ReadonlyMap<string, EdgeView>
}

export interface GraphViewSource {
  graph: PipelineGraph
  problems: readonly Problem[]
  edges: readonly ProjectedEdge[]
  summary: (step: StepDefinition) => string
}

export function graphView(source: GraphViewSource, before?: GraphView): GraphView {
  const { graph } = source
  const byKey = new Map(graph.steps.map((step) => [step.id, step]))
  const edges = edgesOf(source.edges)
  const problems = problemsByStep(source.problems)
  const kinds = kindsOut(edges)
  const steps = new Map<string, StepView>()
  for (const step of graph.steps) {
    const found = problems.get(step.id)
    const view: StepView = {
      nodeId: step.nodeId,
      key: step.id,
      title: step.name || step.id,
      summary: source.summary(step),
      uses: step.uses,
      x: step.position?.x ?? 0,
      y: step.position?.y ?? 0,
      disabled: step.disabled,
      hasCondition: step.when !== '',
      hasRetry: (step.retry?.max ?? 0) > 0,
      hasLocks: hasLocks(step),
      environment: step.environment?.name ?? '',
      copies: step.matrix ? `×${countCopies(step.matrix).count ?? '?'}` : '',
      problem: found?.level ?? '',
      problemCount: found?.count ?? 0,
      failureOut: kinds.has(`${step.nodeId}:failure`),
      alwaysOut: kinds.has(`${step.nodeId}:always`),
      needs: step.needs.map((need) => byKey.get(need.stepId)?.name || need.stepId).join(', '),
    }
    steps.set(step.nodeId, keep(before?.steps.get(step.nodeId), view))
  }
  if (before && sameGeometry(before, steps, edges))
    for (const edge of edges) edge.trunk = before.edges.get(edge.key)!.trunk
  else placeTrunks(edges, steps)
  const kept = new Map(edges.map((edge) => [edge.key, keep(before?.edges.get(edge.key), edge)]))
  return { steps, edges: kept }
}

function kindsOut(edges: readonly EdgeView[]): Set<string> {
  return new Set(edges.map((edge) => `${edge.source}:${edge.kind}`))
}

/** Every step where it was, and the same lines: then the lines go the same way, which is dear to find. */
function sameGeometry(before: GraphView, steps: ReadonlyMap<string, StepView>, edges: readonly EdgeView[]): boolean {
  if (steps.size !== before.steps.size || edges.length !== before.edges.size) return false
  for (const [id, { x, y }] of steps) {
    const was = before.steps.get(id)
    if (!was || was.x !== x || was.y !== y) return false
  }
  return edges.every((edge) => before.edges.has(edge.key))
}

function edgesOf(edges: readonly ProjectedEdge[]): EdgeView[] {
  return edges.map((edge) => ({
    key: edge.key,
    source: edge.from,
    target: edge.to,
    kind: edge.kind,
    condition: edge.condition,
    suspended: edge.suspended,
    trunk: 'middle',
  }))
}

function placeTrunks(edges: EdgeView[], steps: ReadonlyMap<string, StepView>): void {
  const outs = countBy(edges, (edge) => edge.source)
  const ins = countBy(edges, (edge) => edge.target)
  const boxes: (Box & { id: string })[] = [...steps.values()].map((step) => ({
    id: step.nodeId,
    x: step.x,
    y: step.y,
    width: NODE_WIDTH,
    height: NODE_HEIGHT,
  }))
  for (const edge of edges) {
    const from = steps.get(edge.source)!
    const to = steps.get(edge.target)!
    edge.trunk = (outs.get(edge.source) ?? 0) > 1 ? 'source' : (ins.get(edge.target) ?? 0) > 1 ? 'target' : 'middle'
    const start = { x: from.x + NODE_WIDTH, y: from.y + NODE_HEIGHT / 2 }
    const end = { x: to.x, y: to.y + NODE_HEIGHT / 2 }
    if (end.x - start.x <= NODE_WIDTH && !goesBack(start, end)) continue
    // Only steps between the two ends can be in the way.
    const left = Math.min(start.x, end.x)
    const right = Math.max(start.x, end.x)
    const between = boxes.filter(
      (box) => box.id !== edge.source && box.id !== edge.target && box.x + box.width > left && box.x < right,
    )
    edge.trunk = clearTrunk(start, end, edge.trunk, between)
  }
}

function problemsByStep(problems: readonly Problem[]): Map<string, { level: ProblemLevel; count: number }> {
  const found = new Map<string, { level: ProblemLevel; count: number }>()
  for (const problem of problems) {
    if (!problem.stepId) continue
    const entry = found.get(problem.stepId) ?? { level: '', count: 0 }
    entry.level = worse(entry.level, problemLevel(problem.severity))
    entry.count++
    found.set(problem.stepId, entry)
  }
  return found
}

export function problemLevel(severity: Severity): ProblemLevel {
  if (severity === Severity.ERROR) return 'error'
  if (severity === Severity.WARNING) return 'warning'
  return 'info'
}

const ranks: Record<ProblemLevel, number> = { '': 0, info: 1, warning: 2, error: 3 }

function worse(a: ProblemLevel, b: ProblemLevel): ProblemLevel {
  return ranks[a] >= ranks[b] ? a : b
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1)
  return counts
}

/** The old object when it says the same. */
function keep<T extends object>(old: T | undefined, fresh: T): T {
  if (!old) return fresh
  for (const key of Object.keys(fresh) as (keyof T)[]) if (old[key] !== fresh[key]) return fresh
  return old
}

/**
 * The place for a new node: the wanted one on the grid, or the next free slot to the right, then below. What follows a step
 * goes below at once: further right, its line would pass those that follow it too.
 */
export function freePlace(wanted: { x: number; y: number }, steps: Iterable<{ x: number; y: number }>, columns = 3) {
  const taken = [...steps]
  const x = Math.round(wanted.x / GRID) * GRID
  const y = Math.round(wanted.y / GRID) * GRID
  for (let row = 0; row < 60; row++) {
    for (let column = 0; column < columns; column++) {
      const place = { x: x + column * (NODE_WIDTH + 2 * GRID), y: y + row * (NODE_HEIGHT + GRID + 4) }
      const hit = taken.some(
        (step) => Math.abs(step.x - place.x) < NODE_WIDTH + GRID && Math.abs(step.y - place.y) < NODE_HEIGHT + GRID / 2,
      )
      if (!hit) return { x: place.x, y: Math.round(place.y / GRID) * GRID }
    }
  }
  return { x, y }
}

/** Ids of everything the step waits for, directly or not. */
export function upstream(view: GraphView, id: string): Set<string> {
  return walk(id, [...view.edges.values()], 'target', 'source')
}

export function downstream(view: GraphView, id: string): Set<string> {
  return walk(id, [...view.edges.values()], 'source', 'target')
}

function walk(id: string, edges: readonly EdgeView[], at: 'source' | 'target', to: 'source' | 'target'): Set<string> {
  const seen = new Set<string>()
  const open = [id]
  while (open.length > 0) {
    const here = open.pop()!
    for (const edge of edges) {
      if (edge[at] === here && !edge.suspended && !seen.has(edge[to])) {
        seen.add(edge[to])
        open.push(edge[to])
      }
    }
  }
  return seen
}

/** The nearest step in a direction, for walking with arrows. */
export function neighbour(
  view: GraphView,
  id: string,
  direction: 'left' | 'right' | 'up' | 'down',
): string | undefined {
  const from = view.steps.get(id)
  if (!from) return undefined
  let best: { id: string; distance: number } | undefined
  for (const step of view.steps.values()) {
    if (step.nodeId === id) continue
    const dx = step.x - from.x
    const dy = step.y - from.y
    const along = direction === 'left' ? -dx : direction === 'right' ? dx : direction === 'up' ? -dy : dy
    const across = direction === 'left' || direction === 'right' ? Math.abs(dy) : Math.abs(dx)
    if (along <= 0) continue
    const distance = along + across * 2.5
    if (!best || distance < best.distance) best = { id: step.nodeId, distance }
  }
  return best?.id
}
