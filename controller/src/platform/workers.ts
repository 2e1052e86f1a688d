// Threads for what other people wrote: it is parsed, searched and checked there, under limits of time and memory, so that
// nothing of it can hold the thread that serves everybody. A thread that overruns is ended, and only its task is refused.
import { availableParallelism } from 'node:os'
import { AppError } from '@ansflow/proto/errors'
import pLimit, { type LimitFunction } from 'p-limit'
import { Piscina } from 'piscina'
import type { Logger } from './log.ts'
import { overrun, type WorkLimit } from './processor-time.ts'
import type { RunningTask, TaskAnswer, task } from './worker-task.ts'

export interface Workers {
  /** Runs the task that `file` exports under this name. Throws what the task refuses with, or `resource_exhausted`. */
  run<F extends Tasks, N extends keyof F & string>(
    file: TaskFile<F>,
    name: N,
    input: Input<F, N>,
    by: string,
  ): Promise<Value<F, N>>
  stop(): Promise<void>
}

type Task = ReturnType<typeof task<never, unknown>>
type Tasks = Record<string, Task>
type Input<F extends Tasks, N extends keyof F> = Parameters<F[N]>[0]
type Value<F extends Tasks, N extends keyof F> = Extract<ReturnType<F[N]>, { value: unknown }>['value']

/** A module of nothing but tasks; it says their types without being loaded here. */
export interface TaskFile<F extends Tasks> {
  url: string
  tasks?: F
}

const heapMegabytes = 768
/** Some three seconds of a processor are enough for everything that is legal. */
const usual: WorkLimit = { processorMs: 30_000, wallMs: 600_000 }
/** Of one person. */
const atOnce = 1
const mostWaiting = 100

export function createWorkers(log: Logger, limit = usual): Workers {
  const pool = new Piscina({
    filename: new URL('./worker-main.ts', import.meta.url).href,
    name: 'run',
    minThreads: 0,
    // More than there are CPUs: the machine shares them out, and a short task need not wait for the end of a long one.
    maxThreads: Math.max(4, availableParallelism()),
    maxQueue: 1000,
    idleTimeout: 60_000,
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
    env: {},
  })
  const people = new Map<string, LimitFunction>()

  async function runNow<T>(file: string, name: string, input: unknown): Promise<T> {
    const thread = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
    const tooLong = new AbortController()
    const ended = new AbortController()
    let answer: TaskAnswer<T>
    try {
      const running: RunningTask = { file, name, input, thread }
      const result = pool.run(running, { signal: tooLong.signal })
      void Promise.resolve(Atomics.waitAsync(thread, 0, 0).value).then(async () => {
        const worker = pool.threads.find(({ threadId }) => threadId === thread[0])
        if (worker) await overrun(worker, limit, ended.signal)
        if (!ended.signal.aborted) tooLong.abort()
      })
      answer = await result
    } catch (error) {
      log.warn({ err: error, task: name }, 'a task of a worker failed')
      throw tooMuchWork(error)
    } finally {
      ended.abort()
    }
    if ('value' in answer) return answer.value
    const { code, message, reason, violations } = answer.refusal
    throw new AppError(code, message, { reason, violations })
  }

  return {
    async run(file, name, input, by) {
      const turns = people.get(by) ?? pLimit(atOnce)
      people.set(by, turns)
      if (turns.pendingCount >= mostWaiting) throw tooMuchWork()
      try {
        return await turns(() => runNow(file.url, name, input))
      } finally {
        if (turns.activeCount + turns.pendingCount === 0) people.delete(by)
      }
    },
    stop: () => pool.destroy(),
  }
}

function tooMuchWork(cause?: unknown): AppError {
  const message = 'This takes more time or memory than one request may have.'
  return new AppError('resource_exhausted', message, { reason: 'too_much_work', cause })
}
