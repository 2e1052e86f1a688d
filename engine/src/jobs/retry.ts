// Whether an attempt that ended badly is repeated, and after how long.
import { OnLost, RetryOn } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { StepState } from '../state.ts'

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
  if (!Number.isFinite(delay)) return longestDelayMs
  const chance = 1 + (retry?.jitter ?? 0) * (2 * chanceOf(step.attempts.at(-1)?.id ?? '') - 1)
  return Math.min(Math.round(delay * chance), longestDelayMs)
}

/** From 0 to 1, the same for the same attempt, so that whoever works its end out again finds the same delay. */
function chanceOf(jobId: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < jobId.length; at++) hash = Math.imul(hash ^ jobId.charCodeAt(at), 0x01000193) >>> 0
  // The last letters alone change the low bits only.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b) >>> 0
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35) >>> 0
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}

function retriesOn(on: RetryOn[], cause: RetryCause): boolean {
  if (on.length === 0) return cause !== 'lost'
  return on.includes({ failed: RetryOn.FAILED, timeout: RetryOn.TIMEOUT, lost: RetryOn.LOST }[cause])
}
