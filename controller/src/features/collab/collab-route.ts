// Owns the sockets at /collab/<pipeline id>: who may come in, as editor or viewer, and who must go when rights change.
import { type AppError, toAppError } from '@ansflow/proto/errors'
import { Resource } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import type { RawData, WebSocket } from 'ws'
import type { Db } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import { meter } from '../../platform/rate.ts'
import { isRefusal } from '../../transport/access-watch.ts'
import type { Caller } from '../../transport/call.ts'
import type { SocketRequest, SocketRoute } from '../../transport/sockets.ts'
import { isAllowed } from '../access/index.ts'
import { Connection } from './connection.ts'
import { identityOf } from './presence.ts'
import type { Rooms } from './rooms.ts'

export interface CollabDeps {
  db: Db
  log: Logger
  rooms: Rooms
}

/** Of one person, over all their connections: at once, and in a second. */
const bytesOfOne = { perSecond: 1024 * 1024, burst: 8 * 1024 * 1024 }

export function collabRoute(deps: CollabDeps): SocketRoute & { stop(): void } {
  const { db, log, rooms } = deps
  const connections = new Set<Connection>()
  const traffic = meter(bytesOfOne)

  return {
    path: '/collab/:pipelineId',

    open(socket: WebSocket, { caller, params, allow }: SocketRequest) {
      const { pipelineId = '' } = params
      const identity = identityOf(caller.kind === 'user' ? caller : { userId: '', name: '' })
      const connection = new Connection(socket, identity, traffic, log)
      connections.add(connection)
      socket.on('error', () => socket.terminate())
      socket.on('message', (data: RawData, isBinary: boolean) => connection.receive(bytesOf(data), isBinary))
      socket.on('close', () => {
        connections.delete(connection)
        connection.leave()
        if (connection.room) rooms.release(connection.room)
      })

      let mayEdit = false
      /** Rejects for whom may not even look. */
      async function rightsChanged(now: Caller): Promise<void> {
        const scope = await allow(db.em(), now, 'pipeline.read', Resource.PIPELINE, pipelineId)
        mayEdit = isAllowed(now, 'pipeline.edit', scope)
        if (connection.room) connection.setMayEdit(mayEdit)
      }

      async function enter(): Promise<void> {
        await rightsChanged(caller)
        const room = await rooms.acquire(pipelineId)
        if (connection.hasEnded) rooms.release(room)
        else connection.join(room, mayEdit)
      }

      function end(refusal: AppError): void {
        connection.mayEdit = false
        const { code, reason } = closeOf(refusal, connection.room !== undefined)
        connection.end(code, reason)
      }

      enter().catch((error: unknown) => {
        const refusal = toAppError(error)
        if (!isRefusal(refusal)) log.warn({ err: error, pipelineId }, 'a document could not be opened')
        end(refusal)
      })
      return { rightsChanged, end }
    },

    stop() {
      for (const connection of connections) connection.end(1012, 'The controller stops.')
    },
  }
}

function closeOf(refusal: AppError, wasIn: boolean): { code: number; reason: string } {
  if (!isRefusal(refusal)) return { code: 1013, reason: 'The document cannot be opened at the moment.' }
  if (refusal.code === 'unauthenticated') return { code: 4401, reason: refusal.message }
  if (wasIn) return { code: 4403, reason: 'You may no longer see this pipeline.' }
  if (refusal.code === 'permission_denied') return { code: 4403, reason: refusal.message }
  return { code: 4404, reason: 'There is no such pipeline that you may see.' }
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data)
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data
}
