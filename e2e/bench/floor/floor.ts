// Asks the small process for the machine's limits.
import { once } from 'node:events'
import { createServer } from 'node:net'
import { Child } from '../child.ts'
import { now } from '../now.ts'

export interface Spawned {
  /** Of one process, on the average. */
  ms: number
  processorMs: number
}

export class Floor implements AsyncDisposable {
  readonly #child = new Child('floor/spawner.mjs')

  /** Milliseconds from asking for a process until it runs. */
  stamps(count: number): Promise<number[]> {
    return this.#child.ask('stamps', { count })
  }

  /** `sh -c true`, one after the other. */
  sequence(count: number): Promise<Spawned> {
    return this.#child.ask('sequence', { count })
  }

  /** `sh -c true`, so many at a time. */
  wide(count: number, width: number): Promise<Spawned> {
    return this.#child.ask('wide', { count, width })
  }

  /** Milliseconds of `cat from > to` and the sync of it. */
  copy(from: string, to: string): Promise<number> {
    return this.#child.ask('copy', { from, to })
  }

  /** A Node that does nothing: until it is there, and its memory then. */
  nodes(count: number): Promise<{ ms: number; mb: number }[]> {
    return this.#child.ask('nodes', { count })
  }

  /** A file by HTTP. */
  async serve(file: string): Promise<string> {
    return `http://127.0.0.1:${await this.#child.ask<number>('serve', { file })}/`
  }

  /** Milliseconds from each line that a shell prints, its time in nanoseconds, to here: a pipe, a small process, a TCP connection. */
  async lines(script: string): Promise<number[]> {
    const samples: number[] = []
    const server = createServer((socket) => {
      let rest = ''
      socket.setEncoding('utf8').on('data', (text: string) => {
        const at = now()
        const lines = (rest + text).split('\n')
        rest = lines.pop() ?? ''
        samples.push(...lines.map((line) => at - Number(line) / 1e6))
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const gone = once(server, 'close')
    await this.#child.ask('lines', { script, port: typeof address === 'object' ? address?.port : 0 })
    server.close()
    await gone
    return samples
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]()
  }
}
