// The features' WebSockets, put on Fastify, and told anew what their callers may.
import type { AppError } from '@ansflow/proto/errors'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import { watchAccess } from './access-watch.ts'
import { type Allow, createAllow } from './allow.ts'
import type { Caller } from './call.ts'
import { callerOf, type RouteTools } from './routes.ts'

export interface SocketRoute {
  /** As Fastify writes them: "/collab/:pipelineId". */
  path: string
  open(socket: WebSocket, request: SocketRequest): Visit
}

export interface SocketRequest {
  params: Record<string, string>
  /** Signed in, a person or an agent; the route checks the rights. */
  caller: Caller
  allow: Allow
  /** Aborts when the controller stops. */
  signal: AbortSignal
}

/** What a route makes of an open socket. */
export interface Visit {
  /** The caller's rights may be others: here they are. Rejects where they are not enough to stay. */
  rightsChanged(caller: Caller): Promise<void>
  /** The right to be here is gone. */
  end(refusal: AppError): void
}

const callers = new WeakMap<FastifyRequest, Caller>()

export function registerSockets(http: FastifyInstance, routes: SocketRoute[], tools: RouteTools): void {
  const allow = createAllow(tools.rights)
  for (const route of routes) {
    http.get(
      route.path,
      {
        websocket: true,
        preValidation: async (request) => {
          // Browsers always say where a socket comes from.
          const caller = await callerOf(request, tools, 'reads')
          const { leave } = tools.admission.socket({ caller, address: request.ip })
          request.raw.socket.once('close', leave)
          callers.set(request, caller)
        },
      },
      (socket, request) => {
        const caller = callers.get(request) ?? { kind: 'anonymous' as const }
        const params = request.params as Record<string, string>
        const visit = route.open(socket, { params, caller, allow, signal: tools.stopping })
        const endWatch = watchAccess(tools, caller, {
          authenticate: () => callerOf(request, tools, 'reads'),
          check: (now) => visit.rightsChanged(now),
          onGone: (refusal) => visit.end(refusal),
        })
        socket.once('close', endWatch)
      },
    )
  }
}
