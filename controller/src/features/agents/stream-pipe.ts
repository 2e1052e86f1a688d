// Turns a bidirectional stream into the pipe of a session: what is sent leaves in order, and a receiver that does not take
// it is cut off instead of being remembered for ever.
import { AppError } from '@ansflow/proto/errors'
import type { BidiStream } from '../../transport/call.ts'

export interface StreamPipe<O> {
  send(message: O): void
  close(error?: AppError): void
}

/** Messages waiting for a receiver that does not read. */
const maxWaiting = 10_000

/**
 * Gives every message to `receive`, one after the other, until either side ends. Resolves or rejects with what ended it.
 * Of two messages with the same key that wait, the newer goes in the place of the older.
 */
export async function runPipe<I, O>(
  stream: BidiStream<I, O>,
  signal: AbortSignal,
  open: (pipe: StreamPipe<O>) => { onMessage(message: I): Promise<void>; onClose(): void },
  keyOf: (message: O) => string | undefined = () => undefined,
): Promise<void> {
  const waiting = new Map<unknown, O>()
  let sending = false
  let end: (error?: unknown) => void = () => undefined
  const ended = new Promise<void>((resolve, reject) => {
    end = (error) => (error === undefined ? resolve() : reject(error))
  })
  ended.catch(() => undefined)

  async function drain(): Promise<void> {
    sending = true
    try {
      for (const [key, next] of waiting) {
        waiting.delete(key)
        await stream.send(next)
      }
    } catch (error) {
      end(error)
    }
    sending = false
  }

  const session = open({
    send(message) {
      waiting.set(keyOf(message) ?? Symbol(), message)
      if (waiting.size > maxWaiting) end(new AppError('resource_exhausted', 'The other side does not read.'))
      else if (!sending) void drain()
    },
    close: (error) => end(error),
  })
  const onAbort = () => end(signal.reason)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort)

  async function receive(): Promise<void> {
    for await (const message of stream.messages) await session.onMessage(message)
  }
  // Where this stops waiting, the door ends the call, and with it the iteration.
  receive().then(
    () => end(),
    (error: unknown) => end(error),
  )
  try {
    await ended
  } finally {
    signal.removeEventListener('abort', onAbort)
    session.onClose()
  }
}
