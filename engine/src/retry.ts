// Whether an attempt that ended badly is repeated, and after how long.
import { OnLost, RetryOn } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { StepState } from './state.ts'

export type RetryCause = 'failed' | 'timeout' | 'lost'

/** A lost step that says `onLost: retry` and no number is tried this often again. */
const lostRetries = 3
const longestDelayMs = 24 * 3_600_000

/** Milliseconds until the next attempt, 0 for at once; undefined when there is none. */
export function retryDelay(step: StepState, cause: RetryCause): number | undefined {
  const { retry, onLost } = step.definition
  const done = step.attempts.length
  const max = retry?.max ?? 0
  if (cause === 'lost' && onLost === OnLost.RETRY) return done <= (max || lostRetries) ? 0 : undefined
  if (done > max || !retriesOn(retry?.on ?? [], cause)) return undefined
  const delay = (retry?.delayMs ?? 0) * (retry?.backoff || 1) ** (done - 1)
  return Number.isFinite(delay) ? Math.min(Math.round(delay), longestDelayMs) : longestDelayMs
}

function retriesOn(on: RetryOn[], cause: RetryCause): boolean {
  if (on.length === 0) return cause !== 'lost'
  return on.includes({ failed: RetryOn.FAILED, timeout: RetryOn.TIMEOUT, lost: RetryOn.LOST }[cause])
}
