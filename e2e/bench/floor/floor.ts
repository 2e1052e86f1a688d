// Asks the small process for the machine's limits.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { now } from '../now.ts'

export interface Spawned {
  /** Of one process, on the average. */
  ms: number
  processorMs: number
}

type Answer = { id: number; result?: unknown; error?: string }

export class Floor implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  #next = 0

  constructor() {
    this.#child = fork(fileURLToPath(new URL('spawner.mjs', import.meta.url)), { execArgv: [] })
    this.#child.on('message', ({ id, result, error }: Answer) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiting?.resolve(result)
      else waiting?.reject(new Error(error))
    })
    this.#child.once('exit', (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`The floor's process ended with ${code}.`))
    })
  }

  /** Milliseconds from asking for a process until it runs. */
  stamps(count: number): Promise<number[]> {
    return this.#ask('stamps', { count })
  }

  /** `sh -c true`, one after the other. */
  sequence(count: number): Promise<Spawned> {
    return this.#ask('sequence', { count })
  }

  /** `sh -c true`, so many at a time. */
  wide(count: number, width: number): Promise<Spawned> {
    return this.#ask('wide', { count, width })
  }

  /** Milliseconds of `cat from > to` and the sync of it. */
  copy(from: string, to: string): Promise<number> {
    return this.#ask('copy', { from, to })
  }

  nodes(count: number): Promise<{ ms: number; mb: number }[]> {
    return this.#ask('nodes', { count })
  }

  /** Milliseconds from each line that a shell prints, its time in nanoseconds, to here: a pipe, a small process, a TCP connection. */
  async lines(script: string): Promise<number[]> {
    const samples: number[] = []
    const server = createServer((socket) => {
      socket.setEncoding('utf8').on('data', (text: string) => {
        const at = now()
        for (const line of text.trim().split('\n')) samples.push(at - Number(line) / 1e6)
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const gone = once(server, 'close')
    await this.#ask('lines', { script, port: typeof address === 'object' ? address?.port : 0 })
    server.close()
    await gone
    return samples
  }

  async #ask<T>(task: string, words: object): Promise<T> {
    const id = this.#next++
    const answer = Promise.withResolvers<unknown>()
    this.#waiting.set(id, answer)
    this.#child.send({ id, task, ...words })
    return (await answer.promise) as T
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }
}
