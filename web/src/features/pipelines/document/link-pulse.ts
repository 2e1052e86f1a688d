// Whether the controller still answers on the socket. A connection that was cut without a word looks open for half a minute;
// so whenever nothing has come for a while, something is asked that it answers at once.

/** Counted in looks rather than by the clock: a page that was busy or asleep has not been left unanswered. */
const lookEveryMs = 1000
const askAfterLooks = 4
const askSoonerAfterLooks = 2
const deadAfterLooks = 3
/** Later a new connection is tried; until then the old one may come back to life. */
const renewAfterLooks = 9
const openWithinLooks = 15

export interface LinkPulse {
  /** Something came. */
  heard(): void
  /** Asks now instead of after a while of silence. */
  ask(): void
  stop(): void
}

interface PulseOptions {
  connected(): boolean
  /** Changes wait for their acknowledgement, so silence means more. */
  waiting(): boolean
  ask(): void
  answers(alive: boolean): void
  renew(): void
}

export function watchPulse(options: PulseOptions): LinkPulse {
  let quiet = 0
  let asked = 0
  let opening = 0
  let alive = true

  function say(next: boolean): void {
    if (alive === next) return
    alive = next
    options.answers(next)
  }

  function renew(): void {
    quiet = 0
    asked = 0
    opening = 0
    options.renew()
  }

  function ask(): void {
    if (!options.connected() || asked > 0) return
    asked = 1
    options.ask()
  }

  const timer = setInterval(() => {
    if (!options.connected()) {
      quiet = 0
      asked = 0
      say(true)
      if (++opening > openWithinLooks) renew()
      return
    }
    opening = 0
    if (asked > 0) {
      asked++
      if (asked > deadAfterLooks) say(false)
      if (asked > renewAfterLooks) renew()
    } else if (++quiet >= (options.waiting() ? askSoonerAfterLooks : askAfterLooks)) ask()
  }, lookEveryMs)

  return {
    heard() {
      quiet = 0
      asked = 0
      say(true)
    },
    ask,
    stop: () => clearInterval(timer),
  }
}
