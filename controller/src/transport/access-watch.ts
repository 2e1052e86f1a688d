// The one way to ask again for what a caller holds open (streams, downloads, sockets): when their access changed, when their
// token, session or a grant of theirs is over, and, by a slow clock, for what nobody told.
import { type AppError, toAppError, unauthenticated } from '@ansflow/proto/errors'
import type { Bus } from '../platform/bus.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import { storeError } from '../platform/store-error.ts'
import type { Caller } from './call.ts'

export interface AccessWatchDeps {
  bus: Bus
  clock: Clock
  log: Logger
}

export interface Held {
  /** With the same credentials as before; rejects once they are worth nothing. */
  authenticate(): Promise<Caller>
  /** Rejects where the caller, with the rights they have now, may not have it any more. */
  check(caller: Caller): Promise<unknown>
  /** Called once, with why. */
  onGone(refusal: AppError): void
}

const askEveryMs = 60_000

/** The right is not there; any other error says nothing of it. */
export function isRefusal({ code }: AppError): boolean {
  return ['unauthenticated', 'permission_denied', 'not_found'].includes(code)
}

/** When the caller has other rights without anybody doing anything: the end of what they came with, or of a grant. */
export function nextEndOf(caller: Caller): number {
  if (caller.kind !== 'user') return Number.POSITIVE_INFINITY
  const ends = [caller.expiresAt, ...caller.grants.map((grant) => grant.expiresAt)]
  return Math.min(...ends.map((end) => end?.getTime() ?? Number.POSITIVE_INFINITY))
}

/** The answer ends the watch. */
export function watchAccess({ bus, clock, log }: AccessWatchDeps, first: Caller, held: Held): () => void {
  let caller = first
  let ended = false
  let cancelTimer: () => void = () => undefined

  function setTimer(): void {
    const left = nextEndOf(caller) - clock.now().getTime()
    cancelTimer()
    cancelTimer = clock.setTimer(left > 0 ? Math.min(askEveryMs, left) : askEveryMs, () => void askAgain())
  }

  async function askAgain(): Promise<void> {
    if (ended) return
    setTimer()
    try {
      const now = await held.authenticate()
      await held.check(now)
      caller = now
    } catch (thrown) {
      const error = storeError(thrown) ?? toAppError(thrown)
      if (isRefusal(error)) return gone(error)
      log.warn({ err: thrown }, 'the right to an open stream could not be checked')
      // A database that is away is no reason to end anything but what was over without asking.
      if (isOver(caller)) return gone(unauthenticated())
      if (nextEndOf(caller) <= clock.now().getTime()) return gone(error)
    }
    if (!ended) setTimer()
  }

  function isOver(caller: Caller): boolean {
    return caller.kind === 'user' && caller.expiresAt !== undefined && caller.expiresAt <= clock.now()
  }

  function gone(refusal: AppError): void {
    if (ended) return
    end()
    held.onGone(refusal)
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
