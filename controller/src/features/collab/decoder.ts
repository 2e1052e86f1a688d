// Owns the worker that tries untrusted updates first: one task at a time, each with a time limit; a worker that overruns is
// ended and replaced, and only the update it was at is refused.
import { Worker } from 'node:worker_threads'
import type { Logger } from '../../platform/log.ts'
import { type CheckAnswer, type CheckTask, tooSlow, type Verdict } from './verdict.ts'

export interface Decoder {
  /** `state` gives the room's full state (V2), for when the worker does not have it. */
  check(room: string, update: Uint8Array, state: () => Uint8Array): Promise<Verdict>
  /** Someone may send changes soon: the first one shall not wait for the worker to start and to read the document. */
  prepare(room: string, state: () => Uint8Array): void
  /** The room took a change from elsewhere. */
  follow(room: string, update: Uint8Array): void
  forget(room: string): void
  stop(): Promise<void>
}

const loadLimitMs = 10_000
const startLimitMs = 30_000
const heapMegabytes = 256

interface Thread {
  worker: Worker
  ready: Promise<void>
  /** Takes the next answer of the worker. */
  answer: ((answer: CheckAnswer) => void) | undefined
  died: Promise<void>
}

export function createDecoder(log: Logger, checkLimitMs = 1000): Decoder {
  let thread: Thread | undefined
  let stopped = false
  /** Rooms the present worker has. */
  let loaded = new Set<string>()
  let queue: Promise<unknown> = Promise.resolve()

  function start(): Thread {
    loaded = new Set()
    const worker = new Worker(new URL('./decode-worker.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
      env: {},
    })
    const made: Thread = { worker, ready: Promise.resolve(), answer: undefined, died: Promise.resolve() }
    made.ready = new Promise((resolve) => {
      made.answer = () => resolve()
    })
    made.died = new Promise((resolve) => {
      worker.once('exit', () => {
        if (thread === made) thread = undefined
        resolve()
      })
    })
    worker.on('message', (answer: CheckAnswer) => made.answer?.(answer))
    worker.on('error', (error) => log.warn({ err: error }, 'the worker that reads document changes failed'))
    return made
  }

  /** Undefined: the worker overran or died, and is gone. */
  async function perform(task: CheckTask, limitMs: number): Promise<CheckAnswer | undefined> {
    thread ??= start()
    const current = thread
    const gone = current.died.then(() => undefined)
    if ((await within(Promise.race([current.ready.then(() => true), gone]), startLimitMs)) !== true) {
      await end(current)
      return undefined
    }
    const answered = new Promise<CheckAnswer>((resolve) => {
      current.answer = resolve
    })
    current.worker.postMessage(task)
    const answer = await within(Promise.race([answered, gone]), limitMs)
    if (answer === undefined) await end(current)
    return answer
  }

  async function end(current: Thread): Promise<void> {
    if (thread === current) thread = undefined
    await current.worker.terminate()
  }

  function enqueue<T>(work: () => Promise<T>): Promise<T> {
    const result = queue.then(work)
    queue = result.catch(() => undefined)
    return result
  }

  return {
    check: (room, update, state) =>
      enqueue(async (): Promise<Verdict> => {
        if (stopped) return { kind: 'refused', code: 'unavailable', message: 'The controller stops.' }
        for (let attempt = 0; attempt < 2; attempt += 1) {
          if (!loaded.has(room) || !thread) {
            if (!(await perform({ kind: 'load', room, state: state() }, loadLimitMs))) return tooSlow
            loaded.add(room)
          }
          const answer = await perform({ kind: 'check', room, update }, checkLimitMs)
          if (!answer) {
            log.warn({ room, size: update.length }, 'a document change took too long to read')
            return tooSlow
          }
          if (answer.kind === 'refused' || answer.kind === 'incomplete') loaded.delete(room)
          if (answer.kind === 'refused' || answer.kind === 'incomplete' || answer.kind === 'fine') return answer
          loaded.delete(room)
        }
        return { kind: 'refused', code: 'unavailable', message: 'The change could not be checked. Try again.' }
      }),
    prepare(room, state) {
      if (loaded.has(room) && thread) return
      void enqueue(async () => {
        if (stopped || (loaded.has(room) && thread)) return
        if (await perform({ kind: 'load', room, state: state() }, loadLimitMs)) loaded.add(room)
      })
    },
    follow(room, update) {
      void enqueue(async () => {
        if (!stopped && thread && loaded.has(room)) await perform({ kind: 'follow', room, update }, loadLimitMs)
      })
    },
    forget(room) {
      void enqueue(async () => {
        if (!stopped && thread && loaded.delete(room)) await perform({ kind: 'forget', room }, loadLimitMs)
      })
    },
    async stop() {
      stopped = true
      await queue
      if (thread) await end(thread)
    },
  }
}

async function within<T>(work: Promise<T>, limitMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), limitMs)
  })
  try {
    return await Promise.race([work, limit])
  } finally {
    clearTimeout(timer)
  }
}
