// The way out of a socket, bounded: whoever sends asks for room first.
import type { WebSocket } from 'ws'

export interface Outbox {
  send(frame: string | Uint8Array): void
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
  return {
    send(frame) {
      if (socket.readyState !== socket.OPEN) return
      const size = frame.length
      waitingBytes += size
      socket.send(frame, { binary: typeof frame !== 'string' }, () => {
        waitingBytes -= size
        if (waitingBytes < bound && waiters.length > 0) wakeAll()
      })
    },
    async room() {
      while (waitingBytes >= bound && socket.readyState === socket.OPEN) {
        await new Promise<void>((resolve) => waiters.push(resolve))
      }
    },
  }
}
