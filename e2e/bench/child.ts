// A process of its own for what would otherwise share the event loop with the clock of the measurement: asked by messages.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

interface Request {
  id: number
  task: string
  words: unknown
}
type Answer = { id: number; result?: unknown; error?: string }

export class Child implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #name: string
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  #next = 0

  /** `file`: relative to this folder. */
  constructor(file: string) {
    this.#name = file
    this.#child = fork(fileURLToPath(new URL(file, import.meta.url)), { execArgv: [] })
    this.#child.on('message', ({ id, result, error }: Answer) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiting?.resolve(result)
      else waiting?.reject(new Error(error))
    })
    this.#child.once('exit', (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`${file} ended with ${code}.`))
    })
  }

  async ask<T>(task: string, words: object = {}): Promise<T> {
    if (!this.#child.connected) throw new Error(`${this.#name} has ended.`)
    const id = this.#next++
    const answer = Promise.withResolvers<unknown>()
    this.#waiting.set(id, answer)
    this.#child.send({ id, task, words } satisfies Request)
    return (await answer.promise) as T
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }
}

/** The other side: answers until the asker is gone. */
export function answer(tasks: Record<string, (words: never) => unknown>): void {
  process.on('message', async ({ id, task, words }: Request) => {
    try {
      process.send?.({ id, result: await tasks[task]?.(words as never) })
    } catch (error) {
      process.send?.({ id, error: String((error as Error).stack ?? error) })
    }
  })
  process.on('disconnect', () => process.exit())
}
