// A graph that is seen as a whole stays so when its frame gets smaller: a drawer opens, a run is explained, the file comes beside it. Pure.

export interface View {
  x: number
  y: number
  zoom: number
}
export interface Size {
  width: number
  height: number
}
export interface Bounds extends Size {
  left: number
  top: number
}

/** Pixels of the frame that its tools and their surroundings take. */
const tools = { top: 64, bottom: 72, side: 24 }
/** Below this, names are hard to read: then the part that was seen stays. */
const smallest = 0.5

/** Within the frame, whatever of its tools lies over it. */
export function isWhole({ left, top, width, height }: Bounds, frame: Size, { x, y, zoom }: View): boolean {
  const inside = (from: number, to: number, most: number) => from >= 0 && to <= most
  return (
    inside(left * zoom + x, (left + width) * zoom + x, frame.width) &&
    inside(top * zoom + y, (top + height) * zoom + y, frame.height)
  )
}

/** How the graph, whole in `before`, is whole in `now`, free of the tools; undefined: it is already, was not, or would be too small. */
export function wholeAgain(graph: Bounds, before: Size, now: Size, at: View): View | undefined {
  const room = { width: now.width - 2 * tools.side, height: now.height - tools.top - tools.bottom }
  const shift = { x: at.x - tools.side, y: at.y - tools.top, zoom: at.zoom }
  if (!isWhole(graph, before, at) || isWhole(graph, room, shift)) return undefined
  const zoom = Math.min(at.zoom, room.width / graph.width, room.height / graph.height)
  if (zoom < smallest) return undefined
  return {
    x: tools.side + (room.width - graph.width * zoom) / 2 - graph.left * zoom,
    y: tools.top + (room.height - graph.height * zoom) / 2 - graph.top * zoom,
    zoom,
  }
}
