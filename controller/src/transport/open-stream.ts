// A stream as long as it may last: its signal aborts when the caller goes, their deadline passes, the controller stops or
// the right to it is gone, and the signal's reason is the error that the stream then ends with.
import { type AccessWatchDeps, type Held, watchAccess } from './access-watch.ts'
import type { Caller } from './call.ts'

export interface OpenStream {
  signal: AbortSignal
  /** What the stream ends with, when `error` came out of it. */
  endedBy(error: unknown): unknown
  close(): void
}

export function openStream(
  deps: AccessWatchDeps,
  caller: Caller,
  from: AbortSignal,
  right: Pick<Held, 'authenticate' | 'check'>,
): OpenStream {
  const gone = new AbortController()
  const signal = AbortSignal.any([from, gone.signal])
  return {
    signal,
    endedBy: (error) => (signal.aborted ? signal.reason : error),
    close: watchAccess(deps, caller, { ...right, onGone: (refusal) => gone.abort(refusal) }),
  }
}
