// Deadlines and other early ends of calls on HTTP: what the library knows of them, in our errors.
import { AppError, canceled, deadlineExceeded, errorCodes } from '@ansflow/proto/errors'
import { ConnectError } from '@connectrpc/connect'

const longestMs = 2 ** 31 - 1
const unitMs: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000001 }

/** A deadline farther away than a timer can count would be over at once; it becomes the farthest that one can. */
export function boundDeadline(header: Headers): void {
  if (Number(header.get('connect-timeout-ms')) > longestMs) header.set('connect-timeout-ms', String(longestMs))
  const [, amount, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(header.get('grpc-timeout') ?? '') ?? []
  if (Number(amount) * (unitMs[unit] ?? 0) > longestMs) header.set('grpc-timeout', `${Math.floor(longestMs / 1000)}S`)
}

/** The library's signal with a reason that a stream can end with. */
export function inOurWords(signal: AbortSignal): AbortSignal {
  const ended = new AbortController()
  const abort = () => ended.abort(isLate(signal) ? deadlineExceeded() : toCanceled(signal.reason))
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  return ended.signal
}

function toCanceled(reason: unknown): AppError {
  return reason instanceof AppError ? reason : canceled()
}

function isLate({ reason }: AbortSignal): boolean {
  return reason instanceof ConnectError && reason.code === errorCodes.deadline_exceeded.grpc
}

/** Rejects when it passes. The call goes on; its caller does not learn how it ended. */
export function deadlineOf(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => isLate(signal) && reject(deadlineExceeded()), { once: true })
  })
}
