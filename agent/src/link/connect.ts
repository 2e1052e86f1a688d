// Owns the endless reconnecting: opens a stream, waits for its end, backs off with jitter, opens the next.
import { setTimeout as delay } from 'node:timers/promises'
import { LinkError } from './rpc-client.ts'

const FIRST_MS = 500
const MAX_MS = 15_000

/** Pure: half of the exponential delay is certain, half is random, so that many agents do not return at once. */
export function backoffMs(failures: number, random: number): number {
  const full = Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(failures, 10))
  return Math.round(full / 2 + (full / 2) * random)
}

export interface Attempt {
  /** Resolves when the connection has ended; says whether it had been useful (then the backoff starts anew). */
  closed: Promise<{ useful: boolean; error: LinkError | undefined }>
  close(): void
}

/**
 * Keeps one connection open until `signal` aborts. `onDown` hears every end, with the delay until the next try; when it
 * returns false, no further try is made.
 */
export async function keepConnected(
  open: () => Attempt,
  onDown: (error: LinkError | undefined, retryMs: number) => boolean,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    let attempt: Attempt | undefined
    const stop = () => attempt?.close()
    signal.addEventListener('abort', stop)
    let result: { useful: boolean; error: LinkError | undefined }
    try {
      attempt = open()
      result = await attempt.closed
    } catch (error) {
      result = { useful: false, error: error instanceof LinkError ? error : new LinkError('failed', String(error)) }
    } finally {
      signal.removeEventListener('abort', stop)
    }
    if (signal.aborted) return
    failures = result.useful ? 0 : failures + 1
    const retryMs = backoffMs(Math.max(0, failures - 1), Math.random())
    if (!onDown(result.error, retryMs)) return
    await delay(retryMs, undefined, { signal }).catch(() => {})
  }
}
