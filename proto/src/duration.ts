// Durations as the pipeline file writes them: 90s, 10m, 1h30m, 500ms, or a number of seconds.

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds, or undefined when the text is no duration. */
export function parseDuration(text: string): number | undefined {
  const written = text.trim()
  if (/^\d+(\.\d+)?$/.test(written)) return whole(Number(written) * 1000)
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(written)) return undefined
  let total = 0
  let last = Number.POSITIVE_INFINITY
  for (const [, amount, , unit] of written.matchAll(/(\d+(\.\d+)?)(ms|s|m|h|d)/g)) {
    const size = units[unit!]!
    if (size >= last) return undefined
    last = size
    total += Number(amount) * size
  }
  return whole(total)
}

function whole(ms: number): number | undefined {
  const rounded = Math.round(ms)
  return Math.abs(ms - rounded) < 1e-6 && rounded <= 0xffff_ffff ? rounded : undefined
}

/** The shortest text in descending units: 5400000 is "1h30m", 0 is "0s". */
export function formatDuration(ms: number): string {
  let left = Math.max(0, Math.round(ms))
  let text = ''
  for (const unit of ['h', 'm', 's', 'ms']) {
    const count = Math.floor(left / units[unit]!)
    if (count > 0) text += `${count}${unit}`
    left -= count * units[unit]!
  }
  return text || '0s'
}
