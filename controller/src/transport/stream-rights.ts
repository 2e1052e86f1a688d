// The right to a stream that is open: asked again when the caller's access changes, and by the clock for what ends by time.
import { type AppError, toAppError } from '@ansflow/proto/errors'
import type { Bus } from '../platform/bus.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import type { Caller } from './call.ts'

export interface StreamRights {
  /** Aborts once the right is gone. */
  signal: AbortSignal
  /** Why, once it is. */
  readonly refusal: AppError | undefined
  /** The stream is over. */
  end(): void
}

const askEveryMs = 60_000

/** `ask` rejects when the caller may not have the stream any more. */
export function streamRights(
  { bus, clock, log }: { bus: Bus; clock: Clock; log: Logger },
  caller: Caller,
  ask: () => Promise<void>,
): StreamRights {
  const gone = new AbortController()
  let refusal: AppError | undefined

  async function askAgain(): Promise<void> {
    try {
      await ask()
    } catch (thrown) {
      const error = toAppError(thrown)
      if (['unauthenticated', 'permission_denied', 'not_found'].includes(error.code)) {
        refusal = error
        gone.abort(error)
        // A database that is away is no reason to end anything.
      } else log.warn({ err: thrown }, 'the right to an open stream could not be checked')
    }
  }

  const unsubscribe =
    caller.kind === 'user'
      ? bus.subscribe('access.changed', ({ userId }) => {
          // After every receiver of this message: among them is who forgets what is remembered of the person.
          if (userId === caller.userId) void Promise.resolve().then(askAgain)
        })
      : () => undefined
  const askByClock = () => {
    cancelTimer = clock.setTimer(askEveryMs, askByClock)
    void askAgain()
  }
  let cancelTimer = clock.setTimer(askEveryMs, askByClock)

  return {
    signal: gone.signal,
    get refusal() {
      return refusal
    },
    end() {
      unsubscribe()
      cancelTimer()
    },
  }
}
