// Places for steps, from left to right along their edges. Runs in a worker; the arithmetic is here so that it can be tested.
import { wrapRows } from '@ansflow/proto/layout-rows'
import dagre from '@dagrejs/dagre'
import { GRID, NODE_HEIGHT, NODE_WIDTH } from './graph-view.ts'

export interface LayoutRequest {
  steps: { id: string; x: number; y: number }[]
  edges: { source: string; target: string }[]
}

export type LayoutAnswer = Record<string, { x: number; y: number }>

/** New places of the steps that move by more than 8 px. The whole stays where its left top corner was. */
export function layoutSteps(request: LayoutRequest): LayoutAnswer {
  const graph = new dagre.graphlib.Graph()
  graph.setGraph({ rankdir: 'LR', nodesep: 24, ranksep: 40, edgesep: 24, ranker: 'network-simplex' })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const step of request.steps) graph.setNode(step.id, { width: NODE_WIDTH, height: NODE_HEIGHT })
  for (const edge of request.edges) graph.setEdge(edge.source, edge.target)
  dagre.layout(graph)
  const placed = request.steps.map((step) => {
    const node = graph.node(step.id)
    return { id: step.id, step, x: node.x - NODE_WIDTH / 2, y: node.y - NODE_HEIGHT / 2 }
  })
  wrapRows(placed, request.edges)
  const from = corner(request.steps)
  const to = corner(placed)
  const answer: LayoutAnswer = {}
  for (const { step, x, y } of placed) {
    const place = { x: snap(x - to.x + from.x), y: snap(y - to.y + from.y) }
    if (Math.abs(place.x - step.x) > 8 || Math.abs(place.y - step.y) > 8) answer[step.id] = place
  }
  return answer
}

function snap(value: number): number {
  return Math.round(value / GRID) * GRID
}

function corner(points: readonly { x: number; y: number }[]): { x: number; y: number } {
  return {
    x: snap(Math.min(...points.map((point) => point.x))),
    y: snap(Math.min(...points.map((point) => point.y))),
  }
}
