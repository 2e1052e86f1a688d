// How a long graph becomes rows: for the places that steps get by themselves and for tidying, which must agree.

/** A step on the canvas, in pixels. */
export const NODE_WIDTH = 200
export const NODE_HEIGHT = 56

/** Columns that are seen whole, at a size one can work with, beside the palette and the inspector of a laptop. */
const longestRow = 5
const tallestRow = 420
const rowGap = 84

interface Edge {
  source: string
  target: string
}

export interface Placed {
  id: string
  x: number
  y: number
}

/** A long chain becomes rows, each read from left to right, so that it can be seen whole without getting too small to read. */
export function wrapRows(placed: Placed[], edges: readonly Edge[]): void {
  const columns = [...Map.groupBy(placed, ({ x }) => Math.round(x))].sort(([a], [b]) => a - b).map(([, nodes]) => nodes)
  const [top, bottom] = span(placed)
  // A tall graph stays as it is: lines from the end of one row to the start of the next would run through it.
  if (columns.length <= longestRow || bottom - top + NODE_HEIGHT > tallestRow) return
  const crossing = crossings(columns, edges)
  const left = columns.map(([first]) => first!.x)
  const rows = Math.ceil(columns.length / longestRow)
  let rowTop = top
  for (let row = 0, start = 0; row < rows; row++) {
    const end = row === rows - 1 ? columns.length : rowEnd(start, rows - row, crossing)
    const band = columns.slice(start, end).flat()
    const [bandTop, bandBottom] = span(band)
    const by = { x: left[0]! - left[start]!, y: rowTop - bandTop }
    for (const node of band) {
      node.x += by.x
      node.y += by.y
    }
    rowTop += bandBottom - bandTop + NODE_HEIGHT + rowGap
    start = end
  }
}

/** Of the even split and its neighbours the place that the fewest lines cross. */
function rowEnd(start: number, rowsLeft: number, crossing: readonly number[]): number {
  const even = start + Math.ceil((crossing.length - start) / rowsLeft)
  const places = [even, even - 1, even + 1].filter(
    (at) => at > start && at < crossing.length && at - start <= longestRow,
  )
  return places.reduce((best, at) => (crossing[at]! < crossing[best]! ? at : best), even)
}

/** How many lines go from before each column to it or beyond it. */
function crossings(columns: readonly Placed[][], edges: readonly Edge[]): number[] {
  const columnOf = new Map(columns.flatMap((nodes, column) => nodes.map(({ id }) => [id, column] as const)))
  const steps = new Array<number>(columns.length).fill(0)
  for (const { source, target } of edges) {
    const from = columnOf.get(source)
    const to = columnOf.get(target)
    if (from === undefined || to === undefined || from >= to) continue
    steps[from + 1]! += 1
    if (to + 1 < columns.length) steps[to + 1]! -= 1
  }
  let open = 0
  return steps.map((step) => {
    open += step
    return open
  })
}

function span(nodes: readonly Placed[]): [top: number, bottom: number] {
  return nodes.reduce(
    ([top, bottom], { y }) => [Math.min(top, y), Math.max(bottom, y)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  )
}
