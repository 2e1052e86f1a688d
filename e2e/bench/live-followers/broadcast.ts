// A bare WebSocket server that says one text to everybody: what the machine takes for it without AnsFlow.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { WebSocketServer } from 'ws'
import { answer } from '../child.ts'
import { now } from '../now.ts'

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })

answer({
  async port(): Promise<number> {
    if (!server.address()) await once(server, 'listening')
    return (server.address() as AddressInfo).port
  },

  /** So many texts of so many bytes, with so long between them; each says when it was sent, the last that it is. */
  async broadcast({ count, bytes, everyMs }: { count: number; bytes: number; everyMs: number }): Promise<void> {
    for (let n = 0; n < count; n++) {
      if (n > 0) await setTimeout(everyMs)
      const text = JSON.stringify({ at: now(), is: n === count - 1 ? 'last' : '' }).padEnd(bytes)
      for (const client of server.clients) client.send(text)
    }
  },
})
