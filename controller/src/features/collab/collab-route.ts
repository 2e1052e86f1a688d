// Owns the sockets at /collab/<pipeline id>: who may come in, as editor or viewer, and who must go when rights change.
import { notFound, toAppError } from '@ansflow/proto/errors'
import type { RawData, WebSocket } from 'ws'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import { isId } from '../../platform/ids.ts'
import type { Logger } from '../../platform/log.ts'
import { meter } from '../../platform/rate.ts'
import { watchAccess } from '../../transport/access-watch.ts'
import type { Caller, Scope } from '../../transport/call.ts'
import type { SocketRequest, SocketRoute } from '../../transport/sockets.ts'
import { authorize, isAllowed } from '../access/index.ts'
import { pipelineScope } from '../pipelines/index.ts'
import { Connection } from './connection.ts'
import { identityOf } from './presence.ts'
import type { Rooms } from './rooms.ts'

export interface CollabDeps {
  db: Db
  bus: Bus
  clock: Clock
  log: Logger
  rooms: Rooms
}

type Person = Extract<Caller, { kind: 'user' }>

interface Visit {
  connection: Connection
  pipelineId: string
  authenticateAgain: SocketRequest['authenticateAgain']
}

/** Of one person, over all their connections: at once, and in a second. */
const bytesOfOne = { perSecond: 1024 * 1024, burst: 8 * 1024 * 1024 }

export function collabRoute(deps: CollabDeps): SocketRoute & { stop(): void } {
  const { db, bus, clock, log, rooms } = deps
  const visits = new Set<Visit>()
  const traffic = meter(bytesOfOne)

  /** Throws what authorize throws. */
  async function rightsOf(
    caller: Caller,
    pipelineId: string,
  ): Promise<{ person: Person; mayEdit: boolean } | undefined> {
    const scope: Scope | undefined = isId(pipelineId) ? await pipelineScope(db.em(), pipelineId) : undefined
    if (!scope || caller.kind !== 'user') return undefined
    authorize(caller, 'pipeline.read', scope, { noun: 'pipeline', id: pipelineId })
    return { person: caller, mayEdit: isAllowed(caller, 'pipeline.edit', scope) }
  }

  function watch({ connection, pipelineId, authenticateAgain }: Visit, first: Caller): () => void {
    return watchAccess({ bus, clock, log }, first, {
      async ask() {
        const caller = await authenticateAgain()
        const rights = await rightsOf(caller, pipelineId)
        if (!rights) {
          connection.end(4404, 'The pipeline is gone.')
          throw notFound('pipeline', pipelineId)
        }
        connection.setMayEdit(rights.mayEdit)
        return caller
      },
      onGone({ code, message }) {
        connection.mayEdit = false
        if (code === 'unauthenticated') connection.end(4401, message)
        else connection.end(4403, 'You may no longer see this pipeline.')
      },
    })
  }

  async function enter(visit: Visit, caller: Caller): Promise<void> {
    const { connection, pipelineId } = visit
    try {
      const rights = await rightsOf(caller, pipelineId)
      if (!rights) {
        connection.end(4404, 'There is no such pipeline that you may see.')
        return
      }
      const room = await rooms.acquire(pipelineId)
      if (connection.hasEnded) rooms.release(room)
      else connection.join(room, rights.mayEdit)
    } catch (error) {
      const { code, message } = toAppError(error)
      if (code === 'permission_denied' || code === 'not_found')
        connection.end(code === 'not_found' ? 4404 : 4403, message)
      else {
        log.warn({ err: error, pipelineId }, 'a document could not be opened')
        connection.end(1013, 'The document cannot be opened at the moment.')
      }
    }
  }

  return {
    path: '/collab/:pipelineId',

    open(socket: WebSocket, request: SocketRequest) {
      const { caller } = request
      const pipelineId = request.params.pipelineId ?? ''
      const identity = identityOf(caller.kind === 'user' ? caller : { userId: '', name: '' })
      const connection = new Connection(socket, identity, traffic, log)
      const { authenticateAgain } = request
      const visit = { connection, pipelineId, authenticateAgain }
      visits.add(visit)
      socket.on('error', () => socket.terminate())
      socket.on('message', (data: RawData, isBinary: boolean) => connection.receive(bytesOf(data), isBinary))
      const endWatch = watch(visit, caller)
      socket.on('close', () => {
        endWatch()
        visits.delete(visit)
        connection.leave()
        if (connection.room) rooms.release(connection.room)
      })
      void enter(visit, caller)
    },

    stop() {
      for (const { connection } of visits) connection.end(1012, 'The controller stops.')
    },
  }
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data)
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data
}
