// Gives tasks on open documents to threads that may be ended: what overruns is refused, and only that.
import type { Logger } from '../../platform/log.ts'
import type { WorkLimit } from '../../platform/processor-time.ts'
import { decodeQueue } from './decode-queue.ts'
import { DecodeThread } from './decode-thread.ts'
import { packUpdates } from './packed-updates.ts'
import { type DocumentAnswer, type DocumentTask, tooSlow, unchecked } from './verdict.ts'

export interface DocumentWork {
  task: Exclude<DocumentTask, { kind: 'load' }>
  /** Whose work it is; undefined: the server's own, which goes first. */
  person?: string
  /** All updates (V2) of the document, for when no thread has it. */
  updates(): readonly Uint8Array[]
  /** Called before any other task of the document begins. False: the thread must forget what the task has changed. */
  take?(answer: DocumentAnswer): boolean
}

export interface Decoder {
  perform(work: DocumentWork): Promise<DocumentAnswer>
  /** Reads a document anew; answers its state vector as a change. */
  load(room: string, updates: readonly Uint8Array[]): Promise<DocumentAnswer>
  /** Its document is closed. */
  forget(room: string): void
  stop(): Promise<void>
}

const usual: WorkLimit = { processorMs: 10_000, wallMs: 120_000 }
const mostThreads = 3
const attempts = 3

export function createDecoder(log: Logger, checkLimitMs = 1000): Decoder {
  const checkLimit: WorkLimit = { processorMs: checkLimitMs, wallMs: 60_000 }
  let stopped = false
  const queue = decodeQueue(mostThreads, () => new DecodeThread(log))

  async function load(
    thread: DecodeThread,
    room: string,
    updates: readonly Uint8Array[],
  ): Promise<DocumentAnswer | undefined> {
    leave(room)
    const done = await thread.perform({ kind: 'load', room, updates: packUpdates(updates) }, usual)
    if (done?.answer.kind === 'changed') thread.loaded.add(room)
    return done?.answer
  }

  /** What a thread then still holds of the document goes when it needs the room for others. */
  function leave(room: string): void {
    for (const { loaded } of queue.threads()) loaded.delete(room)
  }

  async function run(
    thread: DecodeThread,
    { task, updates, take }: DocumentWork,
    took: (ms: number) => void,
  ): Promise<DocumentAnswer> {
    const { room } = task
    let slow = false
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      if (!thread.loaded.has(room) && (await load(thread, room, updates()))?.kind !== 'changed') return unchecked
      const limit = task.kind === 'check' ? checkLimit : usual
      const done = await thread.perform(task, limit)
      took(done?.usedMs ?? limit.processorMs)
      if (!done) {
        log.warn({ room, task: task.kind }, 'a task on a document took too long')
        return task.kind === 'check' ? tooSlow : unchecked
      }
      const { answer } = done
      if (answer.kind === 'changed' || answer.kind === 'bytes') {
        if (take?.(answer) === false) leave(room)
        return answer
      }
      leave(room)
      // A thread that has just started is slow itself: once more, from the state without this update.
      if (answer.kind === 'refused' && answer.code === 'too_slow' && !slow) slow = true
      else if (answer.kind !== 'unknownRoom') return answer
    }
    return unchecked
  }

  function add<T>(
    room: string,
    person: string | undefined,
    work: (thread: DecodeThread, took: (ms: number) => void) => Promise<T>,
  ): Promise<T | typeof unchecked> {
    return new Promise((resolve, reject) => {
      const drop = () => resolve(unchecked)
      if (stopped) return drop()
      async function run(thread: DecodeThread): Promise<number> {
        let usedMs = 0
        await work(thread, (ms) => {
          usedMs += ms
        }).then(resolve, reject)
        return usedMs
      }
      queue.add({ room, person, run, drop })
    })
  }

  return {
    perform: (work) => add(work.task.room, work.person, (thread, took) => run(thread, work, took)),
    load: (room, updates) => add(room, undefined, async (thread) => (await load(thread, room, updates)) ?? unchecked),
    forget(room) {
      void add(room, undefined, async (thread) => {
        const isHere = thread.loaded.has(room)
        leave(room)
        if (isHere) await thread.perform({ kind: 'forget', room }, usual)
      })
    },
    async stop() {
      stopped = true
      await queue.stop()
      await Promise.all(queue.threads().map((thread) => thread.end()))
    },
  }
}
