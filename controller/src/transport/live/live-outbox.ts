// The way out of a socket, bounded: whoever sends asks for room first.
import type { WebSocket } from 'ws'

export interface Outbox {
  send(frame: Uint8Array): void
  /** UTF-8. Shared by all that get the same: it is encoded once. */
  sendText(text: Uint8Array): void
  /** Resolves when less than the bound waits for the network; also when the socket has closed. */
  room(): Promise<void>
}

const bound = 1024 * 1024

export function createOutbox(socket: WebSocket): Outbox {
  let waitingBytes = 0
  let waiters: (() => void)[] = []
  const wakeAll = () => {
    const all = waiters
    waiters = []
    for (const wake of all) wake()
  }
  socket.on('close', wakeAll)
  function write(bytes: Uint8Array, binary: boolean): void {
    if (socket.readyState !== socket.OPEN) return
    waitingBytes += bytes.length
    socket.send(bytes, { binary }, () => {
      waitingBytes -= bytes.length
      if (waitingBytes < bound && waiters.length > 0) wakeAll()
    })
  }
  return {
    send: (frame) => write(frame, true),
    sendText: (text) => write(text, false),
    async room() {
      while (waitingBytes >= bound && socket.readyState === socket.OPEN) {
        await new Promise<void>((resolve) => waiters.push(resolve))
      }
    },
  }
}
