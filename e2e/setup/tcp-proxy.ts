// A TCP proxy that can be cut, held and mended: the network between a browser (or an agent) and the controller.
import { connect, createServer, type Server, type Socket } from 'node:net'

export class TcpProxy implements AsyncDisposable {
  readonly #server: Server
  readonly #pairs = new Set<[Socket, Socket]>()
  #mode: 'open' | 'cut' | 'stalled' = 'open'
  #targetPort: number
  port = 0

  constructor(targetPort: number) {
    this.#targetPort = targetPort
    this.#server = createServer((client) => {
      if (this.#mode === 'cut') {
        client.resetAndDestroy()
        return
      }
      const target = connect(this.#targetPort, '127.0.0.1')
      const pair: [Socket, Socket] = [client, target]
      this.#pairs.add(pair)
      client.pipe(target)
      target.pipe(client)
      const end = () => {
        this.#pairs.delete(pair)
        client.destroy()
        target.destroy()
      }
      for (const socket of pair) socket.on('error', end).on('close', end)
      if (this.#mode === 'stalled') hold(pair)
    })
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    const address = this.#server.address()
    this.port = typeof address === 'object' && address ? address.port : 0
    return this
  }

  /** New connections go elsewhere, as a load balancer sends them when a host is down. */
  redirect(targetPort: number): void {
    this.#targetPort = targetPort
  }

  /** Resets what is open and refuses what comes. */
  cut(): void {
    this.#mode = 'cut'
    for (const [client, target] of this.#pairs) {
      client.resetAndDestroy()
      target.destroy()
    }
  }

  /** Keeps connections open but passes nothing on: the half-open case. */
  stall(): void {
    this.#mode = 'stalled'
    for (const pair of this.#pairs) hold(pair)
  }

  restore(): void {
    if (this.#mode === 'open') return
    this.#mode = 'open'
    for (const [client, target] of this.#pairs) {
      client.pipe(target)
      target.pipe(client)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

function hold([client, target]: [Socket, Socket]): void {
  client.unpipe(target)
  target.unpipe(client)
  client.pause()
  target.pause()
}
