// The features' WebSockets, put on Fastify.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import type { Caller } from './call.ts'
import { callerOf, type RouteTools } from './routes.ts'

export interface SocketRoute {
  /** As Fastify writes them: "/collab/:pipelineId". */
  path: string
  open(socket: WebSocket, request: SocketRequest): void
}

export interface SocketRequest {
  params: Record<string, string>
  /** Signed in, a person or an agent; the route checks the rights. */
  caller: Caller
  /** Asks again with the same credentials, for when "access.changed" came: rejects once they are worth nothing. */
  authenticateAgain(): Promise<Caller>
  /** Aborts when the controller stops. */
  signal: AbortSignal
}

const callers = new WeakMap<FastifyRequest, Caller>()

export function registerSockets(http: FastifyInstance, routes: SocketRoute[], tools: RouteTools): void {
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
        route.open(socket, {
          params: request.params as Record<string, string>,
          caller: callers.get(request) ?? { kind: 'anonymous' },
          authenticateAgain: () => callerOf(request, tools, 'reads'),
          signal: tools.stopping,
        })
      },
    )
  }
}
