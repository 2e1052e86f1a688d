// Where durations stand on a line: shares of it, and pixels up or down so that equal ones are seen side by side. Pure.
import type { UsualTime } from '@ansflow/proto/gen/ansflow/v1/explain_pb'

export interface PlacedDots {
  dots: { x: number; y: number }[]
  median: number
  p95: number
  /** Their names would lie on each other. */
  isClose: boolean
}

/** Undefined: fewer than two say nothing of how they spread. */
export function placeDots({
  tookMs,
  medianMs,
  p95Ms,
}: Pick<UsualTime, 'tookMs' | 'medianMs' | 'p95Ms'>): PlacedDots | undefined {
  const [least] = tookMs
  const most = tookMs.at(-1)
  if (least === undefined || most === undefined || tookMs.length < 2) return undefined
  const width = most - least
  const share = (ms: number) => (width === 0 ? 0.5 : Math.min(1, Math.max(0, (ms - least) / width)))
  const rows = [9, 6, 12]
  const dots = tookMs.map((ms, index) => ({ x: share(ms), y: rows[index % rows.length]! }))
  const [median, p95] = [share(medianMs), share(p95Ms)]
  return { dots, median, p95, isClose: p95 - median < 0.35 }
}
