// The /live WebSocket: keeps the sockets' life signs up.
import type { WebSocket } from 'ws'
import type { Clock } from '../../platform/clock.ts'
import type { EntityManager } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import type { SocketRoute } from '../sockets.ts'
import { createTurns } from '../turns.ts'
import { LiveSocket } from './live-socket.ts'
import type { LiveTopic } from './live-topic.ts'

export interface LiveDeps {
  clock: Clock
  log: Logger
  newEm: () => EntityManager
  topics: LiveTopic[]
}

const pingEveryMs = 20_000

export function liveRoute({ clock, log, newEm, topics }: LiveDeps): SocketRoute {
  const turns = createTurns()
  function keepAlive(raw: WebSocket): void {
    let heard = true
    let cancel: () => void = () => undefined
    raw.on('pong', () => {
      heard = true
    })
    const beat = () => {
      if (!heard) return raw.terminate()
      heard = false
      raw.ping()
      cancel = clock.setTimer(pingEveryMs, beat)
    }
    cancel = clock.setTimer(pingEveryMs, beat)
    raw.on('close', () => cancel())
  }

  return {
    path: '/live',
    open(raw, { caller, allow }) {
      const socket = new LiveSocket({ turns, topics, allow, newEm, log }, raw, caller)
      keepAlive(raw)
      return socket
    },
  }
}
