// Places the steps of a run's small graph: columns by longest path from a root, rows by where their needs are (one barycenter
// sweep, after Sugiyama, Tagawa and Toda 1981). Linear in steps and edges but for sorting the columns.
import type { StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'

export const nodeWidth = 132
export const nodeHeight = 24
const columnGap = 44
const usualGap = 14
/** Where the number of copies stands below their step. */
const wideGap = 22
const margin = 20

export interface PlacedStep {
  id: string
  x: number
  y: number
}
export interface PlacedEdge {
  key: string
  from: string
  to: string
  path: string
}
export interface Placement {
  width: number
  height: number
  steps: PlacedStep[]
  edges: PlacedEdge[]
}

export function placeSteps(steps: readonly StepDefinition[]): Placement {
  const rowGap = steps.some(({ matrix }) => matrix !== undefined) ? wideGap : usualGap
  const known = new Map(steps.map((step) => [step.id, step]))
  const columns = new Map<string, number>()
  const visiting = new Set<string>()
  // Depth by an explicit stack: a chain of ten thousand steps must not end the call stack.
  for (const root of steps) {
    const stack = [root.id]
    while (stack.length > 0) {
      const id = stack.at(-1) as string
      const needs = (known.get(id)?.needs ?? []).map((need) => need.stepId).filter((need) => known.has(need))
      const open = visiting.has(id) ? [] : needs.filter((need) => !columns.has(need) && !visiting.has(need))
      visiting.add(id)
      if (open.length > 0) {
        stack.push(...open)
        continue
      }
      if (!columns.has(id)) columns.set(id, Math.max(-1, ...needs.map((need) => columns.get(need) ?? -1)) + 1)
      stack.pop()
    }
  }
  const byColumn: string[][] = []
  for (const step of steps) {
    const column = columns.get(step.id) ?? 0
    const list = byColumn[column]
    if (list) list.push(step.id)
    else byColumn[column] = [step.id]
  }
  const rows = new Map<string, number>()
  for (const ids of byColumn) {
    const wish = new Map(
      (ids ?? []).map((id, index) => {
        const needs = (known.get(id)?.needs ?? [])
          .map((need) => rows.get(need.stepId))
          .filter((row) => row !== undefined)
        return [id, needs.length > 0 ? needs.reduce((sum, row) => sum + row, 0) / needs.length : index] as const
      }),
    )
    ids?.sort((a, b) => (wish.get(a) ?? 0) - (wish.get(b) ?? 0))
    let free = 0
    for (const [index, id] of (ids ?? []).entries()) {
      // A lone step sits on the line of its needs; several keep one row each, as near as they can.
      const row = Math.max(free, ids?.length === 1 ? Math.round(wish.get(id) ?? index) : index)
      rows.set(id, row)
      free = row + 1
    }
  }
  const at = (id: string) => ({
    x: margin + (columns.get(id) ?? 0) * (nodeWidth + columnGap),
    y: margin + (rows.get(id) ?? 0) * (nodeHeight + rowGap),
  })
  const edges: PlacedEdge[] = []
  for (const step of steps) {
    for (const need of step.needs) {
      if (known.has(need.stepId)) {
        edges.push({
          key: `${need.stepId}>${step.id}`,
          from: need.stepId,
          to: step.id,
          path: edgePath(at(need.stepId), at(step.id)),
        })
      }
    }
  }
  const mostRows = Math.max(0, ...rows.values()) + 1
  return {
    width: margin * 2 + byColumn.length * (nodeWidth + columnGap) - columnGap,
    height: margin * 2 + mostRows * (nodeHeight + rowGap) - rowGap,
    steps: steps.map((step) => ({ id: step.id, ...at(step.id) })),
    edges,
  }
}

/** Orthogonal with round corners; the bend stands just before the target, so that fan-ins share one trunk. */
function edgePath(from: { x: number; y: number }, to: { x: number; y: number }): string {
  const x1 = from.x + nodeWidth
  const y1 = from.y + nodeHeight / 2
  const x2 = to.x
  const y2 = to.y + nodeHeight / 2
  if (y1 === y2) return `M${x1} ${y1}H${x2}`
  const bend = x2 - columnGap / 2
  const radius = Math.min(8, Math.abs(y2 - y1) / 2)
  const down = y2 > y1 ? 1 : -1
  return `M${x1} ${y1}H${bend - radius}Q${bend} ${y1} ${bend} ${y1 + down * radius}V${y2 - down * radius}Q${bend} ${y2} ${bend + radius} ${y2}H${x2}`
}
