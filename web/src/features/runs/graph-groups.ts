// A run's small graph with the steps that templates brought: each template's as one node while it is folded, else in a frame, with
// nodes and frames of its own. Edges end at frames. Pure.
import { NeedKind, type StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { type Box, nodeHeight, nodeWidth, type PlacedBox, type PlacedEdge, placeBoxes } from './run-layout.ts'

/** Within a frame, above what stands in it. */
export const frameHead = 24
const usualGap = 14
/** Where the number of what stands under a step is told below it. */
const wideGap = 22
/** Of a placement all round, which a frame needs less of. */
const outside = 20
const inside = 10

export interface GroupedGraph {
  width: number
  height: number
  nodes: PlacedBox[]
  frames: PlacedBox[]
  edges: GroupedEdge[]
}
export interface GroupedEdge extends PlacedEdge {
  /** It is only gone when what it comes from has failed. */
  onFailure: boolean
}

/** The definitions as they run: "web/install" is a step of the template for which "web" stands. */
export function placeSteps(steps: readonly StepDefinition[], isOpen: (id: string) => boolean): GroupedGraph {
  const gap = steps.some(({ id, matrix }) => matrix !== undefined || id.includes('/')) ? wideGap : usualGap
  return placeLevel(steps, '', gap, isOpen)
}

function placeLevel(
  steps: readonly StepDefinition[],
  prefix: string,
  gap: number,
  isOpen: (id: string) => boolean,
): GroupedGraph {
  const unitOf = (id: string) => {
    const cut = id.indexOf('/', prefix.length)
    return cut < 0 ? id : id.slice(0, cut)
  }
  const inner = new Map<string, GroupedGraph>()
  const boxes: Box[] = []
  const otherwise = new Set<string>()
  for (const [id, parts] of Map.groupBy(steps, (step) => unitOf(step.id))) {
    const needs = new Set(
      parts.flatMap((step) => step.needs).flatMap(({ stepId }) => (stepId.startsWith(prefix) ? [unitOf(stepId)] : [])),
    )
    needs.delete(id)
    for (const { stepId, kind } of parts.flatMap((step) => step.needs)) {
      if (kind !== NeedKind.FAILURE && stepId.startsWith(prefix)) otherwise.add(`${unitOf(stepId)}>${id}`)
    }
    const isFrame = parts[0]!.id !== id && isOpen(id)
    if (isFrame) inner.set(id, placeLevel(parts, `${id}/`, gap, isOpen))
    const { width, height } = inner.get(id) ?? {}
    boxes.push({
      id,
      needs: [...needs],
      width: width === undefined ? nodeWidth : width - 2 * (outside - inside),
      height: height === undefined ? nodeHeight : height - 2 * outside + frameHead + inside,
      gap,
    })
  }
  const placed = placeBoxes(boxes)
  const edges = placed.edges.map((edge) => ({ ...edge, onFailure: !otherwise.has(edge.key) }))
  const found: GroupedGraph = { ...placed, edges, nodes: [], frames: [] }
  for (const box of placed.boxes) {
    const content = inner.get(box.id)
    if (!content) {
      found.nodes.push(box)
      continue
    }
    const dx = box.x + inside - outside
    const dy = box.y + frameHead - outside
    const moved = (each: PlacedBox) => ({ ...each, x: each.x + dx, y: each.y + dy })
    found.frames.push(box, ...content.frames.map(moved))
    found.nodes.push(...content.nodes.map(moved))
    found.edges.push(...content.edges.map((edge) => ({ ...edge, x: edge.x + dx, y: edge.y + dy })))
  }
  return found
}
