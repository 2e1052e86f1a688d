// Decides what the threads that hold documents do next: one task of a document at a time, one of a person at a time over all
// documents, and whoever has used more than their share of the threads waits until it is paid back. So a person whose
// updates are slow delays nobody but themselves.
import { meter } from '../../platform/rate.ts'
import type { DecodeThread } from './decode-thread.ts'

export interface DecodeTask {
  room: string
  /** Undefined: the server's own, which goes first. */
  person: string | undefined
  /** Answers the milliseconds that count for the person: what their update took, not the start of a thread. */
  run(thread: DecodeThread): Promise<number>
  /** Instead of `run`: everything stops. */
  drop(): void
}

/** Milliseconds of the threads that a person may use: at once, and in a second. */
const share = { perSecond: 200, burst: 1000 }
/** A document waits this long for the thread that has it, before another reads it anew. */
const patienceMs = 25

interface Lane {
  isBusy: boolean
  tasks: DecodeTask[]
}

export interface DecodeQueue {
  add(task: DecodeTask): void
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>
  threads(): DecodeThread[]
}

export function decodeQueue(most: number, startThread: () => DecodeThread): DecodeQueue {
  /** The document that was served last stands at the end. */
  const lanes = new Map<string, Lane>()
  const busyPeople = new Set<string>()
  const used = meter(share)
  const atWork = new Set<Promise<void>>()
  let threads: DecodeThread[] = []
  let timer: NodeJS.Timeout | undefined

  function next(): void {
    clearTimeout(timer)
    let soonest = Number.POSITIVE_INFINITY
    for (const [room, lane] of [...lanes]) {
      if (lane.isBusy) continue
      const task = lane.tasks.find(({ person }) => {
        if (person === undefined) return true
        const wait = used.waitMs(person)
        soonest = Math.min(soonest, wait || Number.POSITIVE_INFINITY)
        return wait === 0 && !busyPeople.has(person)
      })
      if (!task) continue
      const thread = freeThread(room)
      if (!thread) {
        soonest = Math.min(soonest, patienceMs)
        continue
      }
      lane.tasks.splice(lane.tasks.indexOf(task), 1)
      lanes.delete(room)
      lanes.set(room, lane)
      const work = perform(lane, task, thread)
      atWork.add(work)
      void work.finally(() => {
        atWork.delete(work)
        next()
      })
    }
    if (Number.isFinite(soonest)) timer = setTimeout(next, soonest)
  }

  async function perform(lane: Lane, task: DecodeTask, thread: DecodeThread): Promise<void> {
    const { room, person } = task
    lane.isBusy = true
    thread.busySince = performance.now()
    if (person !== undefined) busyPeople.add(person)
    try {
      const usedMs = await task.run(thread)
      if (person !== undefined) used.spend(person, usedMs)
    } finally {
      lane.isBusy = false
      thread.busySince = undefined
      if (person !== undefined) busyPeople.delete(person)
      if (lane.tasks.length === 0) lanes.delete(room)
    }
  }

  /** The one that has the document if it is free; a document has one replica. */
  function freeThread(room: string): DecodeThread | undefined {
    threads = threads.filter(({ hasEnded }) => !hasEnded)
    const own = threads.find(({ loaded }) => loaded.has(room))
    if (own && own.busySince === undefined) return own
    if (own?.busySince !== undefined && performance.now() - own.busySince < patienceMs) return undefined
    const free = threads.filter(({ busySince }) => busySince === undefined)
    if (free.length > 0) return free.reduce((least, one) => (one.loaded.size < least.loaded.size ? one : least))
    if (threads.length >= most) return undefined
    const made = startThread()
    threads.push(made)
    return made
  }

  return {
    add(task) {
      const lane = lanes.get(task.room)
      if (lane) lane.tasks.push(task)
      else lanes.set(task.room, { isBusy: false, tasks: [task] })
      next()
    },
    async stop() {
      clearTimeout(timer)
      const waiting = [...lanes.values()].flatMap(({ tasks }) => tasks.splice(0))
      for (const task of waiting) task.drop()
      await Promise.all(atWork)
    },
    threads: () => threads,
  }
}
