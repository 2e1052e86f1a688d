// Owns the sockets at /collab/<pipeline id>: who may come in, as editor or viewer, and who must go when rights change.
import { toAppError } from '@ansflow/proto/errors'
import type { RawData, WebSocket } from 'ws'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import { isId } from '../../platform/ids.ts'
import type { Logger } from '../../platform/log.ts'
import type { Caller, Scope } from '../../transport/call.ts'
import type { SocketRequest, SocketRoute } from '../../transport/routes.ts'
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
  userId: string
  pipelineId: string
  authenticateAgain: SocketRequest['authenticateAgain']
}

/** Rights are also checked this often, for the case that nobody told. */
const recheckMs = 30_000

export function collabRoute(deps: CollabDeps): SocketRoute & { stop(): void } {
  const { db, bus, clock, log, rooms } = deps
  const visits = new Set<Visit>()

  const unsubscribe = bus.subscribe('access.changed', ({ userId }) => {
    for (const visit of visits) {
      // After every receiver of this message: among them is who forgets what is remembered of the person.
      if (visit.userId === userId) void Promise.resolve().then(() => recheck(visit))
    }
  })
  let cancelTimer = clock.setTimer(recheckMs, recheckAll)
  function recheckAll(): void {
    for (const visit of visits) void recheck(visit)
    cancelTimer = clock.setTimer(recheckMs, recheckAll)
  }

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

  async function recheck({ connection, pipelineId, authenticateAgain }: Visit): Promise<void> {
    try {
      const rights = await rightsOf(await authenticateAgain(), pipelineId)
      if (rights) connection.setMayEdit(rights.mayEdit)
      else connection.end(4404, 'The pipeline is gone.')
    } catch (error) {
      const { code, message } = toAppError(error)
      if (code === 'unauthenticated') connection.end(4401, message)
      else if (code === 'permission_denied' || code === 'not_found') {
        connection.mayEdit = false
        connection.end(4403, 'You may no longer see this pipeline.')
      } else log.warn({ err: error }, 'rights on an open document could not be checked')
    }
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
      const connection = new Connection(socket, identity, log)
      const { authenticateAgain } = request
      const visit = { connection, userId: identity.id, pipelineId, authenticateAgain }
      visits.add(visit)
      socket.on('error', () => socket.terminate())
      socket.on('message', (data: RawData, isBinary: boolean) => connection.receive(bytesOf(data), isBinary))
      socket.on('close', () => {
        visits.delete(visit)
        connection.leave()
        if (connection.room) rooms.release(connection.room)
      })
      void enter(visit, caller)
    },

    stop() {
      unsubscribe()
      cancelTimer()
      for (const { connection } of visits) connection.end(1012, 'The controller stops.')
    },
  }
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data)
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data
}
