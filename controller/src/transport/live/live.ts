// The /live WebSocket: keeps the sockets' life signs and their rights up to date.
import type { WebSocket } from 'ws'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { EntityManager } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import { watchAccess } from '../access-watch.ts'
import type { Allow } from '../allow.ts'
import type { SocketRoute } from '../sockets.ts'
import { createTurns } from '../turns.ts'
import { LiveSocket } from './live-socket.ts'
import type { LiveTopic } from './live-topic.ts'

export interface LiveDeps {
  bus: Bus
  clock: Clock
  log: Logger
  newEm: () => EntityManager
  topics: LiveTopic[]
  allow: Allow
}

const pingEveryMs = 20_000

export function liveRoute({ bus, clock, log, newEm, topics, allow }: LiveDeps): SocketRoute {
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
    open(raw, { caller, authenticateAgain }) {
      const socket = new LiveSocket({ turns, topics, allow, newEm, log, authenticateAgain }, raw, caller)
      const endWatch = watchAccess({ bus, clock, log }, caller, {
        ask: () => socket.checkAgain(),
        onGone: () => socket.signOut(),
      })
      raw.on('close', endWatch)
      keepAlive(raw)
    },
  }
}
