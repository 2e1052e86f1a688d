// The sockets' part of the largest inputs: what one may send into a document or /live.
import { once } from 'node:events'
import * as encoding from 'lib0/encoding'
import { WebSocket } from 'ws'
import { slowUpdate } from '../src/features/collab/slow-update.ts'
import type { Target } from './measured-controller.ts'

type Send = (target: Target) => Promise<unknown>

async function socket({ url }: Target, path: string, token: string): Promise<WebSocket> {
  const opened = new WebSocket(`${url.replace('http', 'ws')}${path}`, {
    headers: { authorization: `Bearer ${token}` },
    localAddress: '127.0.0.2',
  })
  opened.on('error', () => undefined)
  await once(opened, 'open')
  return opened
}

/** Sends, and waits until the server has read it all or ended the connection. */
async function sendAll(opened: WebSocket, frames: (string | Uint8Array)[]): Promise<void> {
  const closed = once(opened, 'close')
  for (const frame of frames) opened.send(frame)
  opened.ping()
  await Promise.race([once(opened, 'pong'), closed])
  opened.terminate()
}

export function frame(...parts: (number | Uint8Array)[]): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const part of parts) {
    if (typeof part === 'number') encoding.writeVarUint(encoder, part)
    else encoding.writeVarUint8Array(encoder, part)
  }
  return encoding.toUint8Array(encoder)
}

function presence(count: number, json: (n: number) => string, client: (n: number) => number): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, count)
  for (let n = 0; n < count; n += 1) {
    encoding.writeVarUint(encoder, client(n))
    encoding.writeVarUint(encoder, n + 1)
    encoding.writeVarString(encoder, json(n))
  }
  return frame(1, encoding.toUint8Array(encoder))
}

const repeat = <T>(count: number, one: T) => Array.from({ length: count }, () => one)
const document = (t: Target) => `/collab/${t.pipelineId}`

export const documentSocket = (t: Target, pipelineId: string, token: string) =>
  socket(t, `/collab/${pipelineId}`, token)

export const frameInputs: Record<string, Send> = {
  'presence of very many who come and go': async (t) => {
    const comeAndGo = presence(
      30_000,
      (n) => (n % 2 ? 'null' : '{}'),
      (n) => 1000 + Math.floor(n / 2),
    )
    await sendAll(await socket(t, document(t), t.viewer.token), repeat(6, comeAndGo))
  },
  'presence as large as it may be': async (t) => {
    const state = JSON.stringify({ text: 'x'.repeat(4000) })
    const large = presence(
      60,
      () => state,
      (n) => n % 4,
    )
    await sendAll(await socket(t, document(t), t.viewer.token), repeat(100, large))
  },
  'asking for the document again and again': async (t) =>
    sendAll(await socket(t, document(t), t.viewer.token), repeat(300, frame(0, 0, new Uint8Array([0])))),
  'changes that are slow to read': async (t) => {
    const slow = frame(0, 2, slowUpdate(9000, 6000))
    await sendAll(await socket(t, document(t), t.attacker.token), repeat(5, slow))
  },
  'a change of 256 KiB': async (t) => {
    const large = frame(0, 2, slowUpdate(500, 40_000).subarray(0, 256 * 1024 - 20))
    await sendAll(await socket(t, document(t), t.attacker.token), [large])
  },
  'a thousand subscriptions': async (t) => {
    const subscribe = (n: number) => JSON.stringify({ subscribe: { topic: `project/${t.projectId}/${n}/runs` } })
    await sendAll(
      await socket(t, '/live', t.viewer.token),
      Array.from({ length: 999 }, (_, n) => subscribe(n)),
    )
  },
}
