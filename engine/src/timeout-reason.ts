// What is said of a run whose timeout has passed, and how long that was.
import { type Reason, reason } from '@ansflow/proto/reasons'

/** The run's own timeout, which counts from its creation: it may pass before any agent took a step. */
export function timeoutReason({ graph, startedAt }: { graph: { timeoutMs: number }; startedAt: Date | null }): Reason {
  const after = durationText(graph.timeoutMs)
  return reason('run_timeout', startedAt === null ? { after, waiting: 'true' } : { after })
}

/** Milliseconds as people say them: "1h 5m", "90s" becomes "1m 30s". */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`
  const seconds = Math.round(ms / 1000)
  const parts: [number, string][] = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ]
  return parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ')
}
