// Tries untrusted updates before a room takes them, on threads that may be ended: what overruns is refused, and only that.
import type { Logger } from '../../platform/log.ts'
import { decodeQueue } from './decode-queue.ts'
import { DecodeThread } from './decode-thread.ts'
import { tooSlow, type Verdict } from './verdict.ts'

export interface Decoder {
  /** `state` gives the room's full state (V2), for when no thread has it. */
  check(room: string, person: string, update: Uint8Array, state: () => Uint8Array): Promise<Verdict>
  /** Someone may send changes soon: the first one shall not wait for a thread to start and to read the document. */
  prepare(room: string, state: () => Uint8Array): void
  /** The room took a change from elsewhere. */
  follow(room: string, update: Uint8Array): void
  forget(room: string): void
  stop(): Promise<void>
}

const loadLimitMs = 10_000
const mostThreads = 3

export function createDecoder(log: Logger, checkLimitMs = 1000): Decoder {
  let stopped = false
  const queue = decodeQueue(mostThreads, () => new DecodeThread(log))

  async function load(thread: DecodeThread, room: string, state: () => Uint8Array): Promise<boolean> {
    leave(room)
    if (!(await thread.perform({ kind: 'load', room, state: state() }, loadLimitMs))) return false
    thread.loaded.add(room)
    return true
  }

  /** What a thread then still holds of the document goes when it needs the room for others. */
  function leave(room: string): void {
    for (const { loaded } of queue.threads()) loaded.delete(room)
  }

  function add(room: string, run: (thread: DecodeThread) => Promise<void>): void {
    const free = (thread: DecodeThread) => run(thread).then(() => 0)
    if (!stopped) queue.add({ room, person: undefined, run: free, drop: () => undefined })
  }

  async function tryUpdate(
    thread: DecodeThread,
    room: string,
    update: Uint8Array,
    state: () => Uint8Array,
    took: (ms: number) => void,
  ): Promise<Verdict> {
    let slow = false
    for (let attempt = 0; attempt < 3; attempt += 1) {
      if (!thread.loaded.has(room) && !(await load(thread, room, state))) return tooSlow
      const began = performance.now()
      const answer = await thread.perform({ kind: 'check', room, update }, checkLimitMs)
      took(performance.now() - began)
      if (!answer) {
        log.warn({ room, size: update.length }, 'a document change took too long to read')
        return tooSlow
      }
      if (answer.kind === 'fine') return answer
      thread.loaded.delete(room)
      // A thread that has just started is slow itself: once more, from the state without this update.
      if (answer.kind === 'refused' && answer.code === 'too_slow' && !slow) slow = true
      else if (answer.kind === 'refused' || answer.kind === 'incomplete') return answer
    }
    return { kind: 'refused', code: 'unavailable', message: 'The change could not be checked. Try again.' }
  }

  return {
    check: (room, person, update, state) =>
      new Promise<Verdict>((resolve, reject) => {
        const drop = () => resolve({ kind: 'refused', code: 'unavailable', message: 'The controller stops.' })
        if (stopped) return drop()
        async function run(thread: DecodeThread): Promise<number> {
          let usedMs = 0
          const took = (ms: number) => {
            usedMs += ms
          }
          await tryUpdate(thread, room, update, state, took).then(resolve, reject)
          return usedMs
        }
        queue.add({ room, person, run, drop })
      }),
    prepare(room, state) {
      add(room, async (thread) => {
        if (!queue.threads().some(({ loaded }) => loaded.has(room))) await load(thread, room, state)
      })
    },
    follow(room, update) {
      add(room, async (thread) => {
        if (thread.loaded.has(room)) await thread.perform({ kind: 'follow', room, update }, loadLimitMs)
        // Its thread is at something else: the document is read anew where it is needed next.
        else leave(room)
      })
    },
    forget(room) {
      add(room, async (thread) => {
        const isHere = thread.loaded.has(room)
        leave(room)
        if (isHere) await thread.perform({ kind: 'forget', room }, loadLimitMs)
      })
    },
    async stop() {
      stopped = true
      await queue.stop()
      await Promise.all(queue.threads().map((thread) => thread.end()))
    },
  }
}
