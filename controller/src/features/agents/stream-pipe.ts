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
 * `merge` may fold a message into the one that still waits before it.
 */
export async function runPipe<I, O>(
  stream: BidiStream<I, O>,
  signal: AbortSignal,
  open: (pipe: StreamPipe<O>) => { onMessage(message: I): Promise<void>; onClose(): void },
  merge: (waiting: O, next: O) => boolean = () => false,
): Promise<void> {
  const waiting: O[] = []
  let sending = false
  let end: (error?: unknown) => void = () => undefined
  const ended = new Promise<void>((resolve, reject) => {
    end = (error) => (error === undefined ? resolve() : reject(error))
  })
  ended.catch(() => undefined)

  async function drain(): Promise<void> {
    sending = true
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await stream.send(next)
    } catch (error) {
      end(error)
    }
    sending = false
  }

  const session = open({
    send(message) {
      if (waiting.some((before) => merge(before, message))) return
      waiting.push(message)
      if (waiting.length > maxWaiting) end(new AppError('resource_exhausted', 'The other side does not read.'))
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
