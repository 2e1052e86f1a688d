// The feed of a list: which of its things changed, each told once however often it changed meanwhile, at most twenty times a
// second, and "fetch again" when there are too many to tell.
import type { Clock } from '../../platform/clock.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { createBell } from '../../platform/watch.ts'
import type { LiveFeed, LiveKind } from './live-topic.ts'

interface Options {
  clock: Clock
  /** Calls back with the id of whatever changed, until the answer is called. */
  listen(changed: (id: string) => void): () => void
  /** What to tell of these; nothing for one that is not there any more. Absent: only that the list is another. */
  present?(ids: string[]): Promise<LiveKind[]>
}

const pauseMs = 50
const longPauseMs = 1000
const mostPending = 100

export function changedList({ clock, listen, present }: Options): LiveFeed {
  let seq = 0
  return {
    stream: uuidv7(),
    seq: () => seq,
    restarts: false,
    async *frames(signal) {
      const bell = createBell()
      let pending = new Set<string>()
      let tooMany = false
      const end = listen((id) => {
        if (tooMany) return
        pending.add(id)
        if (pending.size > mostPending) {
          tooMany = true
          pending.clear()
        }
        bell.ring()
      })
      signal.addEventListener('abort', bell.ring)
      try {
        for (;;) {
          await bell.wait()
          if (signal.aborted) return
          if (tooMany) {
            tooMany = false
            yield { type: 'resync', seq: ++seq, why: 'Many changed at once.' }
            await pause(clock, longPauseMs, signal)
            continue
          }
          const ids = [...pending]
          pending = new Set()
          if (!present) yield { type: 'resync', seq: ++seq, why: 'The list has changed.' }
          else for (const kind of await present(ids)) yield { type: 'event', seq: ++seq, kind }
          await pause(clock, pauseMs, signal)
        }
      } finally {
        signal.removeEventListener('abort', bell.ring)
        end()
      }
    },
  }
}

function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.setTimer(ms, done)
    signal.addEventListener('abort', done)
  })
}
