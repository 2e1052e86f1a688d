// The few places at servers. Whoever hears nothing of theirs gives its place up and goes on beside, and so does whoever has had one for long
// while others wait: a server that keeps silent, or sends a little now and then, keeps no other repository from being fetched.
import { HelperError } from './helper-messages.ts'

const most = 4
/** Of those that hear nothing: the one that has heard nothing for longest is ended for the next. */
const mostSilent = 8
/** Those who want to a server that kept silent so lately come behind all others, and have one of the places together. */
const doubtMs = 10 * 60_000
const mostDoubtful = 1
/** Times the silence after which a place is given up: nobody has one for longer while others wait. */
const patience = 6
/** Of those whose time is over. */
const mostBeside = 4

export interface Places {
  /** Once there is a place. `server`: host and port. */
  at<T>(server: string, work: (place: Place) => Promise<T>): Promise<T>
}

export interface Place {
  /** `run` asks the server and calls `heard` with all that comes from there. Rejects with `unreachable` when it was ended for another. */
  asks<T>(signal: AbortSignal, run: (heard: () => void, signal: AbortSignal) => Promise<T>): Promise<T>
}

interface Guest {
  server: string
  /** Only while it asks. */
  ending?: AbortController
}

export function openPlaces(silentMs: number): Places {
  const waiting: { server: string; go: () => void }[] = []
  const holding = new Set<Guest>()
  /** In the order in which they were given up. */
  const silent = new Set<Guest>()
  const beside = new Set<Guest>()
  const doubted = new Map<string, number>()

  const isDoubted = (server: string) => (doubted.get(server) ?? 0) > performance.now()

  function next(): void {
    while (holding.size < most) {
      let at = waiting.findIndex(({ server }) => !isDoubted(server))
      if (at < 0 && [...holding].filter(({ server }) => isDoubted(server)).length < mostDoubtful) at = 0
      const [first] = waiting.splice(at < 0 ? waiting.length : at, 1)
      if (!first) return
      first.go()
    }
  }

  function giveUp(guest: Guest): void {
    const now = performance.now()
    for (const [server, until] of doubted) if (until <= now) doubted.delete(server)
    doubted.set(guest.server, now + doubtMs)
    holding.delete(guest)
    beside.delete(guest)
    silent.add(guest)
    if (silent.size > mostSilent) {
      const [longest] = silent
      silent.delete(longest!)
      longest!.ending?.abort()
    }
    next()
  }

  /** Though all may be taken by now: then nobody begins until there are fewer. */
  function takeAgain(guest: Guest): void {
    if (silent.delete(guest)) holding.add(guest)
  }

  function goBeside(guest: Guest): void {
    if (waiting.length === 0 || beside.size >= mostBeside || !holding.delete(guest)) return
    beside.add(guest)
    next()
  }

  function placeOf(guest: Guest): Place {
    return {
      async asks(signal, run) {
        const ending = new AbortController()
        guest.ending = ending
        const timer = setTimeout(() => giveUp(guest), silentMs)
        const patient = setInterval(() => goBeside(guest), patience * silentMs)
        const heard = () => {
          if (ending.signal.aborted) return
          doubted.delete(guest.server)
          takeAgain(guest)
          timer.refresh()
        }
        try {
          const result = await run(heard, AbortSignal.any([signal, ending.signal]))
          heard()
          return result
        } catch (error) {
          if (!ending.signal.aborted || signal.aborted) throw error
          const [host] = guest.server.split(/:\d+$/)
          const said = `${host} has said nothing for ${silentMs / 1000} s, and others wait. Try again later.`
          throw new HelperError('unreachable', said)
        } finally {
          clearTimeout(timer)
          clearInterval(patient)
          takeAgain(guest)
        }
      },
    }
  }

  return {
    async at(server, work) {
      const guest: Guest = { server }
      await new Promise<void>((resolve) => {
        const go = () => {
          holding.add(guest)
          resolve()
        }
        waiting.push({ server, go })
        next()
      })
      try {
        return await work(placeOf(guest))
      } finally {
        for (const each of [holding, silent, beside]) each.delete(guest)
        next()
      }
    },
  }
}
