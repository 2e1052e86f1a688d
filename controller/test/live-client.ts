// A tab for tests: speaks /live's frames and remembers what it was told.
import {
  type LiveLogChunk,
  LiveLogChunkSchema,
  LiveRequestSchema,
  type LiveResponse,
  LiveResponseSchema,
  type LiveSubscribeSchema,
} from '@ansflow/proto/gen/ansflow/v1/live_pb'
import { create, fromBinary, fromJsonString, type MessageInitShape, toJsonString } from '@bufbuild/protobuf'
import { WebSocket } from 'ws'

export class LiveClient {
  readonly responses: LiveResponse[] = []
  readonly chunks: LiveLogChunk[] = []
  readonly socket: WebSocket
  closeCode: number | undefined
  #wake: (() => void)[] = []

  constructor(url: string, token: string) {
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/live`, { headers: { authorization: `Bearer ${token}` } })
    this.socket.on('message', (data: Buffer, binary) => {
      if (binary) this.chunks.push(fromBinary(LiveLogChunkSchema, data))
      else this.responses.push(fromJsonString(LiveResponseSchema, data.toString()))
      this.#changed()
    })
    this.socket.on('close', (code) => {
      this.closeCode = code
      this.#changed()
    })
    this.socket.on('error', () => this.#changed())
  }

  static async open(url: string, token: string): Promise<LiveClient> {
    const client = new LiveClient(url, token)
    await new Promise<void>((resolve, reject) => {
      client.socket.once('open', () => resolve())
      client.socket.once('error', reject)
    })
    return client
  }

  #changed(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }

  request(kind: MessageInitShape<typeof LiveRequestSchema>['kind']): void {
    this.socket.send(toJsonString(LiveRequestSchema, create(LiveRequestSchema, kind ? { kind } : {})))
  }

  async subscribe(topic: string, from: MessageInitShape<typeof LiveSubscribeSchema> = {}): Promise<LiveResponse> {
    const before = this.responses.length
    this.request({ case: 'subscribe', value: { ...from, topic } })
    return this.until(() =>
      this.responses
        .slice(before)
        .find(({ topic: t, kind }) => t === topic && (kind.case === 'subscribed' || kind.case === 'refused')),
    )
  }

  /** Waits until `look` finds something. */
  async until<T>(look: () => T | undefined | false): Promise<T> {
    for (;;) {
      const found = look()
      if (found !== undefined && found !== false) return found
      if (this.socket.readyState === WebSocket.CLOSED && this.closeCode === undefined)
        throw new Error('The socket failed.')
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  events(topic: string): LiveResponse[] {
    return this.responses.filter((r) => r.topic === topic && r.kind.case !== 'subscribed')
  }

  close(): void {
    this.socket.terminate()
  }
}
