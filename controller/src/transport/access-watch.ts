// When the right of an open stream or socket has to be asked for again: the caller's access changed, the time of their token
// or session is over, or, by a slow clock, for what nobody told.
import { type AppError, toAppError, unauthenticated } from '@ansflow/proto/errors'
import type { Bus } from '../platform/bus.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import type { Caller } from './call.ts'

export interface AccessWatchDeps {
  bus: Bus
  clock: Clock
  log: Logger
}

export interface AccessWatch {
  /** Rejects once the caller may not have it any more; answers who they are now. */
  ask: () => Promise<Caller>
  /** Called once, with why. */
  onGone: (refusal: AppError) => void
}

const askEveryMs = 60_000

/** The answer ends the watch. */
export function watchAccess({ bus, clock, log }: AccessWatchDeps, first: Caller, watch: AccessWatch): () => void {
  let caller = first
  let ended = false
  let cancelTimer: () => void = () => undefined

  const isOver = () => caller.kind === 'user' && caller.expiresAt !== undefined && caller.expiresAt <= clock.now()

  function setTimer(): void {
    const end = caller.kind === 'user' && !isOver() ? caller.expiresAt?.getTime() : undefined
    const left = end === undefined ? askEveryMs : Math.min(askEveryMs, end - clock.now().getTime())
    cancelTimer()
    cancelTimer = clock.setTimer(left, () => void askAgain())
  }

  async function askAgain(): Promise<void> {
    if (ended) return
    setTimer()
    try {
      caller = await watch.ask()
    } catch (thrown) {
      const error = toAppError(thrown)
      if (['unauthenticated', 'permission_denied', 'not_found'].includes(error.code)) return gone(error)
      log.warn({ err: thrown }, 'the right to an open stream could not be checked')
      // A database that is away is no reason to end anything but what was over without asking.
      if (isOver()) return gone(unauthenticated())
    }
    if (!ended) setTimer()
  }

  function gone(refusal: AppError): void {
    if (ended) return
    end()
    watch.onGone(refusal)
  }

  function end(): void {
    ended = true
    cancelTimer()
    unsubscribe()
  }

  // After every receiver of the message: among them is who forgets what is remembered of the caller.
  const askSoon = () => void Promise.resolve().then(askAgain)
  const unsubscribe =
    caller.kind === 'agent'
      ? bus.subscribe('agent.changed', ({ agentId }) => {
          if (caller.kind === 'agent' && caller.agentId === agentId) askSoon()
        })
      : bus.subscribe('access.changed', ({ userId }) => {
          if (caller.kind === 'user' && caller.userId === userId) askSoon()
        })
  setTimer()
  return end
}
