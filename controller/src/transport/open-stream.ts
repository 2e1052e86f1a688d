// A stream as long as it may last: its signal aborts when the caller goes, their deadline passes, the controller stops or
// the right to it is gone, and the signal's reason is the error that the stream then ends with.
import type { AppError } from '@ansflow/proto/errors'
import { type AccessWatchDeps, watchAccess } from './access-watch.ts'
import type { Caller } from './call.ts'

export interface OpenStream {
  signal: AbortSignal
  /** What the stream ends with, when `error` came out of it. */
  endedBy(error: unknown): unknown
  close(): void
}

/** `ask` rejects when the caller may not have the stream any more. */
export function openStream(
  deps: AccessWatchDeps,
  caller: Caller,
  from: AbortSignal,
  ask: () => Promise<Caller>,
): OpenStream {
  const gone = new AbortController()
  const signal = AbortSignal.any([from, gone.signal])
  const onGone = (refusal: AppError) => gone.abort(refusal)
  return {
    signal,
    endedBy: (error) => (signal.aborted ? signal.reason : error),
    close: watchAccess(deps, caller, { ask, onGone }),
  }
}
