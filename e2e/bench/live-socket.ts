// A connection to /live, as a browser has it.
import { once } from 'node:events'
import {
  type LiveLogChunk,
  LiveLogChunkSchema,
  type LiveResponse,
  LiveResponseSchema,
} from '@ansflow/proto/gen/ansflow/v1/live_pb'
import { fromBinary, fromJsonString } from '@bufbuild/protobuf'
import WebSocket from 'ws'
import { admin, type System } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'
import { now } from './now.ts'

interface Heard {
  /** `at`: when it came. */
  onEvent?(kind: LiveResponse['kind'], at: number): void
  onChunk?(chunk: LiveLogChunk, at: number): void
}

export class LiveSocket implements AsyncDisposable {
  readonly #socket: WebSocket
  readonly #subscribed = new Set<string>()
  #refused = ''

  private constructor(socket: WebSocket, { onEvent, onChunk }: Heard) {
    this.#socket = socket
    socket.on('message', (data: Buffer, binary: boolean) => {
      const at = now()
      if (binary) return onChunk?.(fromBinary(LiveLogChunkSchema, data), at)
      const { topic, kind } = fromJsonString(LiveResponseSchema, data.toString())
      if (kind.case === 'subscribed') this.#subscribed.add(topic)
      else if (kind.case === 'refused') this.#refused = `${topic}: ${kind.value.message}`
      else onEvent?.(kind, at)
    })
  }

  static async open(system: System, heard: Heard): Promise<LiveSocket> {
    const headers = { authorization: `Bearer ${admin.token}`, origin: system.url }
    const socket = new WebSocket(`${system.url.replace('http', 'ws')}/live`, { headers })
    const live = new LiveSocket(socket, heard)
    await once(socket, 'open')
    return live
  }

  /** Resolves when what happens from now on is told. */
  async subscribe(topic: string): Promise<void> {
    this.#socket.send(JSON.stringify({ subscribe: { topic } }))
    await waitFor(() => this.#subscribed.has(topic), {
      what: `${topic} is followed`,
      everyMs: 1,
      fatal: () => this.#refused !== '',
      detail: () => this.#refused,
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.readyState === WebSocket.CLOSED) return
    const gone = once(this.#socket, 'close')
    this.#socket.close()
    await gone
  }
}
