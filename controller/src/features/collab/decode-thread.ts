// Owns one worker thread that holds open documents: one task at a time, each with a time limit; a thread that overruns is
// ended.
import { Worker } from 'node:worker_threads'
import type { Logger } from '../../platform/log.ts'
import { overrun, type WorkLimit } from '../../platform/processor-time.ts'
import type { DocumentTask, Measured } from './verdict.ts'

const startLimit: WorkLimit = { processorMs: 30_000, wallMs: 300_000 }
const heapMegabytes = 512

export class DecodeThread {
  /** Rooms whose document it has. */
  readonly loaded = new Set<string>()
  /** Set while it is at a task. */
  busySince: number | undefined
  hasEnded = false
  readonly #worker: Worker
  readonly #ready: Promise<unknown>
  readonly #ended: Promise<undefined>
  #answer: (answer: Measured) => void = () => undefined

  constructor(log: Logger) {
    this.#worker = new Worker(new URL('./decode-worker.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
      env: {},
    })
    this.#ready = this.#answered()
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.hasEnded = true
        resolve(undefined)
      })
    })
    this.#worker.on('message', (answer: Measured) => this.#answer(answer))
    this.#worker.on('error', (error) => log.warn({ err: error }, 'the worker that reads document changes failed'))
  }

  /** Undefined: it overran or died, and is gone. */
  async perform(task: DocumentTask, limit: WorkLimit): Promise<Measured | undefined> {
    const isReady = await this.#within(
      this.#ready.then(() => true),
      startLimit,
    )
    if (isReady !== true) {
      await this.end()
      return undefined
    }
    const answered = this.#answered()
    this.#worker.postMessage(task)
    const answer = await this.#within(answered, limit)
    if (answer === undefined) await this.end()
    return answer
  }

  async end(): Promise<void> {
    this.hasEnded = true
    await this.#worker.terminate()
  }

  #answered(): Promise<Measured> {
    return new Promise((resolve) => {
      this.#answer = resolve
    })
  }

  async #within<T>(work: Promise<T>, limit: WorkLimit): Promise<T | undefined> {
    const done = new AbortController()
    const over = overrun(this.#worker, limit, done.signal).then(() => undefined)
    try {
      return await Promise.race([work, this.#ended, over])
    } finally {
      done.abort()
    }
  }
}
