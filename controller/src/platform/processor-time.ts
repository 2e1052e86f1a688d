// Limits of a thread's work in its own processor time: a machine that is busy with other things makes nothing too long.
import { setTimeout as wait } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'

export interface WorkLimit {
  processorMs: number
  /** The last resort, for what waits without working. */
  wallMs: number
}

const mostLookMs = 250

/** Resolves when the thread is over one of the limits; counts from now until `done`. */
export async function overrun(thread: Worker, { processorMs, wallMs }: WorkLimit, done: AbortSignal): Promise<void> {
  const until = performance.now() + wallMs
  const lookMs = Math.min(mostLookMs, processorMs / 4, wallMs)
  let before: number | undefined
  while (!done.aborted && performance.now() < until) {
    await wait(lookMs, undefined, { signal: done }).catch(() => undefined)
    if (done.aborted) return
    const usedMs = await usedBy(thread, Math.max(0, until - performance.now()))
    if (usedMs === undefined) continue
    // Short work is not asked about at all, so what is done before the first look comes on top.
    before ??= usedMs
    if (usedMs - before > processorMs) return
  }
}

/** Undefined: it has not begun, has ended, or did not say so for so long. */
async function usedBy(thread: Worker, patienceMs: number): Promise<number | undefined> {
  const asked = new AbortController()
  try {
    const used = thread.cpuUsage().then(({ user, system }) => (user + system) / 1000)
    return await Promise.race([used, wait(patienceMs, undefined, { signal: asked.signal })])
  } catch {
    return undefined
  } finally {
    asked.abort()
  }
}
