// Places the boxes of a run's small graph: columns by longest path from a root, rows by where their needs are (one barycenter
// sweep, after Sugiyama, Tagawa and Toda 1981). Linear in boxes and edges but for sorting the columns.

export const nodeWidth = 132
export const nodeHeight = 24
const columnGap = 44
const margin = 20

export interface Box {
  id: string
  needs: readonly string[]
  width: number
  height: number
  /** Kept free below it. */
  gap: number
}
export interface PlacedBox {
  id: string
  x: number
  y: number
  width: number
  height: number
}
export interface PlacedEdge {
  key: string
  from: string
  to: string
  path: string
  /** Where its path begins to count from. */
  x: number
  y: number
}
export interface Placement {
  width: number
  height: number
  boxes: PlacedBox[]
  edges: PlacedEdge[]
}

export function placeBoxes(boxes: readonly Box[]): Placement {
  const known = new Map(boxes.map((box) => [box.id, box]))
  const byColumn = inColumns(boxes, known)
  const placed = new Map<string, PlacedBox>()
  const middleOf = (id: string) => {
    const at = placed.get(id)
    return at && at.y + at.height / 2
  }
  let x = margin
  for (const column of byColumn) {
    const wish = new Map(
      column.map(({ id, needs, height }, index) => {
        const middles = needs.map(middleOf).filter((middle) => middle !== undefined)
        // Without needs in the file's order, before what has some further down.
        const at = margin + index * (nodeHeight + (column[0]?.gap ?? 0)) + height / 2
        return [
          id,
          middles.length > 0 ? middles.reduce((sum, middle) => sum + middle, 0) / middles.length : at,
        ] as const
      }),
    )
    column.sort((a, b) => (wish.get(a.id) ?? 0) - (wish.get(b.id) ?? 0))
    let free = margin
    for (const { id, width, height, gap } of column) {
      // A lone box sits on the line of its needs; several stand below one another from the top.
      const y = column.length === 1 ? Math.max(free, Math.round((wish.get(id) ?? 0) - height / 2)) : free
      placed.set(id, { id, x, y, width, height })
      free = y + height + gap
    }
    x += Math.max(0, ...column.map(({ width }) => width)) + columnGap
  }
  const edges: PlacedEdge[] = []
  for (const { id, needs } of boxes) {
    for (const need of needs) {
      const from = placed.get(need)
      const to = placed.get(id)
      if (from && to) edges.push({ key: `${need}>${id}`, from: need, to: id, path: edgePath(from, to), x: 0, y: 0 })
    }
  }
  const all = [...placed.values()]
  return {
    width: margin + Math.max(margin, x - columnGap),
    height: margin + all.reduce((most, { y, height }) => Math.max(most, y + height), margin),
    boxes: boxes.map(({ id }) => placed.get(id)!),
    edges,
  }
}

function inColumns(boxes: readonly Box[], known: ReadonlyMap<string, Box>): Box[][] {
  const columns = new Map<string, number>()
  const visiting = new Set<string>()
  // Depth by an explicit stack: a chain of ten thousand steps must not end the call stack.
  for (const root of boxes) {
    const stack = [root.id]
    while (stack.length > 0) {
      const id = stack.at(-1) as string
      const needs = (known.get(id)?.needs ?? []).filter((need) => known.has(need))
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
  const byColumn: Box[][] = []
  for (const box of boxes) {
    const column = columns.get(box.id) ?? 0
    const list = byColumn[column]
    if (list) list.push(box)
    else byColumn[column] = [box]
  }
  return byColumn
}

/** Orthogonal with round corners; the bend stands just before the target, so that fan-ins share one trunk. */
function edgePath(from: PlacedBox, to: PlacedBox): string {
  const x1 = from.x + from.width
  const y1 = from.y + from.height / 2
  const x2 = to.x
  const y2 = to.y + to.height / 2
  if (y1 === y2) return `M${x1} ${y1}H${x2}`
  const bend = x2 - columnGap / 2
  const radius = Math.min(8, Math.abs(y2 - y1) / 2)
  const down = y2 > y1 ? 1 : -1
  return `M${x1} ${y1}H${bend - radius}Q${bend} ${y1} ${bend} ${y1 + down * radius}V${y2 - down * radius}Q${bend} ${y2} ${bend + radius} ${y2}H${x2}`
}
