// Places for steps, from left to right along their edges. Runs in a worker; the arithmetic is here so that it can be tested.
import dagre from '@dagrejs/dagre'
import { GRID, NODE_HEIGHT, NODE_WIDTH } from './graph-view.ts'

export interface LayoutRequest {
  steps: { id: string; x: number; y: number }[]
  edges: { source: string; target: string }[]
}

/** Columns that are seen whole, at a size one can work with, beside the palette and the inspector of a laptop. */
const longestRow = 5
const tallestRow = 420
const rowGap = 84

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
    return { step, x: node.x - NODE_WIDTH / 2, y: node.y - NODE_HEIGHT / 2 }
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

interface Placed {
  step: { id: string }
  x: number
  y: number
}

/** A long chain becomes rows, each read from left to right, so that it can be seen whole without getting too small to read. */
function wrapRows(placed: Placed[], edges: LayoutRequest['edges']): void {
  const columns = [...new Set(placed.map(({ x }) => Math.round(x)))].sort((a, b) => a - b)
  const high = Math.max(...placed.map(({ y }) => y)) - Math.min(...placed.map(({ y }) => y)) + NODE_HEIGHT
  // A tall graph stays as it is: lines from the end of one row to the start of the next would run through it.
  if (columns.length <= longestRow || high > tallestRow) return
  const columnOf = new Map(placed.map((node) => [node.step.id, columns.indexOf(Math.round(node.x))]))
  const rows = Math.ceil(columns.length / longestRow)
  let start = 0
  let top = Math.min(...placed.map(({ y }) => y))
  for (let row = 0; row < rows; row++) {
    const end = row === rows - 1 ? columns.length : rowEnd(start, rows - row, columns.length, edges, columnOf)
    const band = placed.filter(({ step }) => columnOf.get(step.id)! >= start && columnOf.get(step.id)! < end)
    const bandTop = Math.min(...band.map(({ y }) => y))
    const bandBottom = Math.max(...band.map(({ y }) => y))
    for (const node of band) {
      node.x += columns[0]! - columns[start]!
      node.y += top - bandTop
    }
    top += bandBottom - bandTop + NODE_HEIGHT + rowGap
    start = end
  }
}

/** Of the even split and its neighbours the place that the fewest lines cross. */
function rowEnd(
  start: number,
  rowsLeft: number,
  columns: number,
  edges: LayoutRequest['edges'],
  columnOf: ReadonlyMap<string, number>,
): number {
  const even = start + Math.ceil((columns - start) / rowsLeft)
  const crossing = (at: number) =>
    edges.filter(({ source, target }) => columnOf.get(source)! < at && columnOf.get(target)! >= at).length
  const places = [even, even - 1, even + 1].filter((at) => at > start && at < columns && at - start <= longestRow)
  return places.reduce((best, at) => (crossing(at) < crossing(best) ? at : best), even)
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
