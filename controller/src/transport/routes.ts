// What is not an rpc: downloads and WebSockets, which features declare as data and this file puts on Fastify.

import { addAbortSignal, Readable } from 'node:stream'
import type { AppError } from '@ansflow/proto/errors'
import { errorCodes, unauthenticated } from '@ansflow/proto/errors'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import type { Bus } from '../platform/bus.ts'
import type { Clock } from '../platform/clock.ts'
import type { EntityManager } from '../platform/db.ts'
import type { Logger } from '../platform/log.ts'
import type { Admission } from './admission.ts'
import type { Caller, Rights } from './call.ts'
import { connectErrorJson } from './connect-errors.ts'
import { errorAnswer, retryAfterOf } from './error-info.ts'
import { openStream } from './open-stream.ts'
import { crossSite, originOf } from './origin.ts'

export interface DownloadRoute {
  /** As Fastify writes them: "/download/runs/:runId/steps/:stepId/log". */
  path: string
  /** Nobody has to sign in for it. */
  public?: boolean
  /** Throws when the caller may not have it; asked again while it lasts. */
  authorize?(em: EntityManager, caller: Caller, params: Record<string, string>): Promise<void>
  handle(request: DownloadRequest): Promise<Download>
}

export interface DownloadRequest {
  params: Record<string, string>
  query: Record<string, string>
  /** The Range header. */
  range: string | undefined
  signal: AbortSignal
}

export interface Download {
  contentType: string
  /** Offered to save under; undefined: shown in place. */
  fileName?: string
  size?: number
  /** 200 without. */
  status?: number
  headers?: Record<string, string>
  body: AsyncIterable<Uint8Array> | Uint8Array | string
}

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

export interface RouteTools {
  rights: Rights
  admission: Admission
  newEm: () => EntityManager
  publicUrl: string | undefined
  stopping: AbortSignal
  bus: Bus
  clock: Clock
  log: Logger
}

const callers = new WeakMap<FastifyRequest, Caller>()

export function registerDownloads(http: FastifyInstance, routes: DownloadRoute[], tools: RouteTools): void {
  for (const route of routes) {
    http.get(route.path, async (request, reply) => {
      const params = request.params as Record<string, string>
      const ask = async () => {
        const caller: Caller = route.public ? { kind: 'anonymous' } : await callerOf(request, tools)
        await route.authorize?.(tools.newEm(), caller, params)
        return caller
      }
      const gone = new AbortController()
      reply.raw.once('close', () => gone.abort())
      const caller = await ask()
      gone.signal.throwIfAborted()
      const { signal, close } = openStream(tools, caller, AbortSignal.any([gone.signal, tools.stopping]), ask)
      gone.signal.addEventListener('abort', close)
      const query = request.query as Record<string, string>
      const download = await route.handle({ params, query, range: request.headers.range, signal })
      signal.throwIfAborted()
      reply.code(download.status ?? 200).headers(download.headers ?? {})
      reply.header('content-type', download.contentType).header('cache-control', 'no-store')
      if (download.size !== undefined) reply.header('content-length', download.size)
      if (download.fileName !== undefined) {
        reply.header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(download.fileName)}`)
      }
      const { body } = download
      const isWhole = typeof body === 'string' || body instanceof Uint8Array
      // Cut off where it may not go on, so that nobody takes a part for the whole.
      return reply.send(isWhole ? body : addAbortSignal(signal, Readable.from(body)))
    })
  }
}

export function registerSockets(http: FastifyInstance, routes: SocketRoute[], tools: RouteTools): void {
  for (const route of routes) {
    http.get(
      route.path,
      {
        websocket: true,
        preValidation: async (request) => {
          const caller = await callerOf(request, tools)
          const { leave } = tools.admission.socket({ caller, address: request.ip })
          request.raw.socket.once('close', leave)
          callers.set(request, caller)
        },
      },
      (socket, request) => {
        route.open(socket, {
          params: request.params as Record<string, string>,
          caller: callers.get(request) ?? { kind: 'anonymous' },
          authenticateAgain: () => callerOf(request, tools),
          signal: tools.stopping,
        })
      },
    )
  }
}

async function callerOf(request: FastifyRequest, { rights, publicUrl }: RouteTools): Promise<Caller> {
  const origin = originOf(request.headers, publicUrl)
  // Typing a download's address into the browser is `unknown` and harmless: it only reads. Sockets always send an origin.
  if (origin === 'foreign') throw crossSite()
  const header = (name: string) => headerText(request.headers[name])
  const caller = await rights.authenticate({ header, address: request.ip })
  if (caller.kind === 'anonymous') throw unauthenticated()
  return caller
}

function headerText(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value
}

/** The same JSON as the Connect protocol answers for a failed unary call. */
export function sendError(
  reply: FastifyReply,
  error: AppError,
  requestId: string,
  status: number = errorCodes[error.code].http,
): FastifyReply {
  const answer = errorAnswer(error, requestId)
  const seconds = retryAfterOf(answer.info)
  if (seconds !== undefined) reply.header('retry-after', seconds)
  return reply.code(status).send(connectErrorJson(error.code, answer))
}
