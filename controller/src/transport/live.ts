// The /live WebSocket: keeps the sockets, their life signs, and their rights up to date.
import type { WebSocket } from 'ws'
import type { Bus } from '../platform/bus.ts'
import type { Clock } from '../platform/clock.ts'
import type { EntityManager } from '../platform/db.ts'
import type { Logger } from '../platform/log.ts'
import { LiveSocket } from './live-socket.ts'
import type { LiveTopic } from './live-topic.ts'
import type { SocketRoute } from './routes.ts'

export interface LiveDeps {
  bus: Bus
  clock: Clock
  log: Logger
  newEm: () => EntityManager
  topics: LiveTopic[]
}

const pingEveryMs = 20_000
/** Sessions end by time too, without anybody telling. */
const checkEveryMs = 60_000

export function liveRoute({ bus, clock, log, newEm, topics }: LiveDeps): SocketRoute & { stop(): void } {
  const sockets = new Set<LiveSocket>()
  const checkAgain = (socket: LiveSocket) => {
    socket.checkAgain().catch((error: unknown) => log.error({ err: error }, 'rights could not be checked again'))
  }
  const unsubscribe = bus.subscribe('access.changed', ({ userId }) => {
    for (const socket of sockets) {
      if (socket.caller.kind !== 'user' || socket.caller.userId !== userId) continue
      // After every receiver of this message: among them is who forgets what is remembered of the person.
      void Promise.resolve().then(() => checkAgain(socket))
    }
  })

  function keepAlive(raw: WebSocket, socket: LiveSocket): void {
    let heard = true
    let untilCheck = checkEveryMs
    let cancel: () => void = () => undefined
    raw.on('pong', () => {
      heard = true
    })
    const beat = () => {
      if (!heard) return raw.terminate()
      heard = false
      raw.ping()
      untilCheck -= pingEveryMs
      if (untilCheck <= 0) {
        untilCheck = checkEveryMs
        checkAgain(socket)
      }
      cancel = clock.setTimer(pingEveryMs, beat)
    }
    cancel = clock.setTimer(pingEveryMs, beat)
    raw.on('close', () => cancel())
  }

  return {
    path: '/live',
    open(raw, { caller, authenticateAgain }) {
      const socket = new LiveSocket({ topics, newEm, log, authenticateAgain }, raw, caller)
      sockets.add(socket)
      raw.on('close', () => sockets.delete(socket))
      keepAlive(raw, socket)
    },
    stop: unsubscribe,
  }
}
