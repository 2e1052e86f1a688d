// The lines between steps: orthogonal, corners rounded by 10, fan-outs and fan-ins on one shared trunk.

export interface Point {
  x: number
  y: number
}

export interface Box extends Point {
  width: number
  height: number
}

/**
 * Where the vertical part of a line stands: beside its source, beside its target, half way, or in a gap between rows. Of a line
 * that goes back: where its horizontal part lies.
 */
export type Trunk = 'source' | 'target' | 'middle' | 'above' | 'below'

const STUB = 20
const ROW_GAP = 48

/** Corner points of the line from an output handle to an input handle. */
export function routeEdge(source: Point, target: Point, trunk: Trunk): Point[] {
  if (goesBack(source, target)) return routeBack(source, target, trunk)
  if (trunk === 'above' || trunk === 'below') {
    const y = source.y + (trunk === 'above' ? -ROW_GAP : ROW_GAP)
    const out = source.x + STUB
    const into = target.x - STUB
    return [source, { x: out, y: source.y }, { x: out, y }, { x: into, y }, { x: into, y: target.y }, target]
  }
  if (Math.abs(target.y - source.y) < 1) return [source, target]
  const x = trunkX(source.x, target.x, trunk)
  return [source, { x, y: source.y }, { x, y: target.y }, target]
}

function trunkX(from: number, to: number, trunk: Trunk): number {
  const middle = (from + to) / 2
  if (trunk === 'source') return Math.min(from + STUB, middle)
  if (trunk === 'target') return Math.max(to - STUB, middle)
  return middle
}

export function goesBack(source: Point, target: Point): boolean {
  return target.x - source.x < 16
}

function routeBack(source: Point, target: Point, trunk: Trunk): Point[] {
  const out = source.x + STUB
  const into = target.x - STUB
  const y = backY(source.y, target.y, trunk)
  return [source, { x: out, y: source.y }, { x: out, y }, { x: into, y }, { x: into, y: target.y }, target]
}

function backY(from: number, to: number, trunk: Trunk): number {
  if (Math.abs(to - from) <= 2 * STUB + 36) return Math.max(from, to) + ROW_GAP
  const gap = to > from ? ROW_GAP : -ROW_GAP
  if (trunk === 'target') return to - gap
  return trunk === 'source' ? from + gap : (from + to) / 2
}

/** An SVG path through the points. */
export function roundedPath(points: readonly Point[], radius = 10): string {
  const first = points[0]
  if (!first) return ''
  let path = `M${first.x} ${first.y}`
  for (let i = 1; i < points.length; i++) {
    const point = points[i]!
    const next = points[i + 1]
    if (!next) {
      path += `L${point.x} ${point.y}`
      continue
    }
    const before = points[i - 1]!
    const r = Math.min(radius, length(before, point) / 2, length(point, next) / 2)
    const start = toward(point, before, r)
    const end = toward(point, next, r)
    path += `L${start.x} ${start.y}Q${point.x} ${point.y} ${end.x} ${end.y}`
  }
  return path
}

/** The middle of the longest part: where a chip sits. */
export function chipPoint(points: readonly Point[]): Point {
  let best: [Point, Point] | undefined
  for (let i = 1; i < points.length; i++) {
    const part: [Point, Point] = [points[i - 1]!, points[i]!]
    if (!best || length(...part) > length(...best)) best = part
  }
  if (!best) return points[0] ?? { x: 0, y: 0 }
  return { x: (best[0].x + best[1].x) / 2, y: (best[0].y + best[1].y) / 2 }
}

const trunks: readonly Trunk[] = ['source', 'target', 'below', 'above']
const backTrunks: readonly Trunk[] = ['middle', 'target', 'source']

/** Of the ways a long line can take, the first that crosses no step; the given one when all do. */
export function clearTrunk(source: Point, target: Point, wanted: Trunk, boxes: readonly Box[]): Trunk {
  const back = goesBack(source, target)
  if (!back && target.x - source.x <= 2 * STUB + 20) return wanted
  let best = wanted
  let fewest = Number.POSITIVE_INFINITY
  for (const trunk of back ? backTrunks : [wanted, ...trunks]) {
    const crossed = crossings(routeEdge(source, target, trunk), boxes)
    if (crossed === 0) return trunk
    if (crossed < fewest) {
      fewest = crossed
      best = trunk
    }
  }
  return best
}

function crossings(points: readonly Point[], boxes: readonly Box[]): number {
  let count = 0
  for (let i = 1; i < points.length; i++) {
    const a = points[i - 1]!
    const b = points[i]!
    const left = Math.min(a.x, b.x)
    const right = Math.max(a.x, b.x)
    const top = Math.min(a.y, b.y)
    const bottom = Math.max(a.y, b.y)
    for (const box of boxes) {
      if (left < box.x + box.width && right > box.x && top < box.y + box.height && bottom > box.y) count++
    }
  }
  return count
}

function length(a: Point, b: Point): number {
  return Math.abs(a.x - b.x) + Math.abs(a.y - b.y)
}

function toward(from: Point, to: Point, distance: number): Point {
  const whole = length(from, to)
  if (whole === 0) return from
  const part = distance / whole
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part }
}
