// Owns one worker thread that holds open documents: one task at a time, each with a time limit; a thread that overruns is
// ended.
import { Worker } from 'node:worker_threads'
import type { Logger } from '../../platform/log.ts'
import type { DocumentAnswer, DocumentTask } from './verdict.ts'

const startLimitMs = 30_000
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
  #answer: (answer: DocumentAnswer) => void = () => undefined

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
    this.#worker.on('message', (answer: DocumentAnswer) => this.#answer(answer))
    this.#worker.on('error', (error) => log.warn({ err: error }, 'the worker that reads document changes failed'))
  }

  /** Undefined: it overran or died, and is gone. */
  async perform(task: DocumentTask, limitMs: number): Promise<DocumentAnswer | undefined> {
    const isReady = await within(Promise.race([this.#ready.then(() => true), this.#ended]), startLimitMs)
    if (isReady !== true) {
      await this.end()
      return undefined
    }
    const answered = this.#answered()
    this.#worker.postMessage(task)
    const answer = await within(Promise.race([answered, this.#ended]), limitMs)
    if (answer === undefined) await this.end()
    return answer
  }

  async end(): Promise<void> {
    this.hasEnded = true
    await this.#worker.terminate()
  }

  #answered(): Promise<DocumentAnswer> {
    return new Promise((resolve) => {
      this.#answer = resolve
    })
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
