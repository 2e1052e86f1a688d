// The HTTP door: handler tables under /api in the Connect protocol, the features' downloads and sockets, the console's
// files, health.

import type { AddressInfo } from 'node:net'
import { AppError, type AppError as AppErrorType, errorCodes, forbidden, toAppError } from '@ansflow/proto/errors'
import { ErrorInfoSchema } from '@ansflow/proto/gen/ansflow/v1/errors_pb'
import type { DescMethod, Message } from '@bufbuild/protobuf'
import {
  type Code,
  ConnectError,
  type ConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from '@connectrpc/connect'
import { fastifyConnectPlugin } from '@connectrpc/connect-fastify'
import { fastifyWebsocket } from '@fastify/websocket'
import { fastify } from 'fastify'
import type { EntityManager } from '../platform/db.ts'
import { uuidv7 } from '../platform/ids.ts'
import type { Logger } from '../platform/log.ts'
import type { Calls, Incoming, Rights, ServiceTable, StreamHandler, UnaryHandler } from './call.ts'
import { answerProtocolErrors } from './connect-errors.ts'
import { registerConsole } from './console-files.ts'
import { originOf } from './origin.ts'
import { type DownloadRoute, registerDownloads, registerSockets, type SocketRoute, sendError } from './routes.ts'

export const sessionCookie = 'ansflow_session'
/** Of one message, request or answer. */
export const messageLimit = 4 * 1024 * 1024

const contentSecurityPolicy = [
  "default-src 'self'",
  // naive-ui writes <style> elements; scripts never come inline.
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "worker-src 'self' blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

export interface HttpOptions {
  host: string
  port: number
  publicUrl: string | undefined
  tables: ServiceTable[]
  downloads: DownloadRoute[]
  sockets: SocketRoute[]
  consoleFolder: string
  calls: Calls
  rights: Rights
  newEm: () => EntityManager
  ready: () => Promise<boolean>
  log: Logger
}

export interface Door {
  /** host:port really listened on. */
  address: string
  /** Refuses new calls, ends streams, waits for the rest up to `graceMs`. */
  stop(graceMs: number): Promise<void>
}

const peerKey = createContextKey<string>('')

export async function openHttp(options: HttpOptions): Promise<Door> {
  const { calls, log, publicUrl } = options
  const stopping = new AbortController()
  const http = fastify({
    logger: false,
    bodyLimit: messageLimit,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 256 },
    requestTimeout: 0,
    connectionTimeout: 0,
    keepAliveTimeout: 65_000,
  })
  http.server.headersTimeout = 20_000

  http.addHook('onRequest', async (_request, reply) => {
    reply.headers({
      'content-security-policy': contentSecurityPolicy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    })
  })
  http.setErrorHandler((thrown, request, reply) => {
    const error = fromFastify(thrown)
    const requestId = uuidv7()
    if (error.code === 'internal') log.error({ err: thrown, requestId, url: request.url }, 'a request failed')
    return sendError(reply, error, requestId, statusOf(thrown))
  })

  const tools = { rights: options.rights, newEm: options.newEm, publicUrl, stopping: stopping.signal }
  await http.register(fastifyWebsocket, {
    options: { maxPayload: messageLimit, perMessageDeflate: false },
    preClose: (done) => done(),
  })
  await http.register(async (scope) => {
    registerDownloads(scope, options.downloads, tools)
    registerSockets(scope, options.sockets, tools)
  })
  await http.register(fastifyConnectPlugin, {
    prefix: '/api',
    grpc: false,
    grpcWeb: false,
    readMaxBytes: messageLimit,
    jsonOptions: { ignoreUnknownFields: false },
    shutdownSignal: stopping.signal,
    shutdownError: new ConnectError('The controller stops.', errorCodes.unavailable.grpc as Code),
    contextValues: (request) => createContextValues().set(peerKey, request.ip),
    routes: (router) => {
      for (const table of options.tables) addTable(router, table, calls, publicUrl)
      answerProtocolErrors(router)
    },
  })
  http.get('/healthz', async () => ({ status: 'ok' }))
  http.get('/readyz', async (_request, reply) => {
    const ready = !stopping.signal.aborted && (await options.ready())
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready' })
  })
  const servePage = await registerConsole(http, options.consoleFolder)
  http.setNotFoundHandler((request, reply) => {
    const page = /^\/(api|download)(\/|$|\?)/.test(request.url) ? undefined : servePage(request, reply)
    return page ?? sendError(reply, new AppError('unimplemented', 'There is nothing at this address.'), uuidv7())
  })

  await http.listen({ host: options.host, port: options.port })
  const { port } = http.server.address() as AddressInfo
  return {
    address: `${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`,
    async stop(graceMs) {
      stopping.abort()
      const deadline = setTimeout(() => {
        for (const socket of http.websocketServer.clients) socket.terminate()
        http.server.closeAllConnections()
      }, graceMs)
      // 1012: the service restarts; clients come back by themselves.
      for (const socket of http.websocketServer.clients) socket.close(1012, 'The controller stops.')
      await http.close()
      clearTimeout(deadline)
    },
  }
}

function addTable(router: ConnectRouter, table: ServiceTable, calls: Calls, publicUrl: string | undefined): void {
  const implementation: Record<string, unknown> = {}
  for (const method of table.service.methods) {
    const handler = table.handlers[method.localName]
    if (method.methodKind === 'unary') implementation[method.localName] = unary(method, handler as UnaryHandler)
    if (method.methodKind === 'server_streaming')
      implementation[method.localName] = stream(method, handler as StreamHandler)
  }
  router.service(table.service, implementation as Parameters<typeof router.service>[1])

  function unary(method: DescMethod, handler: UnaryHandler) {
    return async (request: Message, context: HandlerContext) => {
      const state = { requestId: '' }
      try {
        return await handler(request, await admit(method, request, context, state))
      } catch (error) {
        throw toConnectError(calls, method, state.requestId, error)
      }
    }
  }

  function stream(method: DescMethod, handler: StreamHandler) {
    return async function* (request: Message, context: HandlerContext) {
      const state = { requestId: '' }
      try {
        yield* handler(request, await admit(method, request, context, state))
      } catch (error) {
        throw toConnectError(calls, method, state.requestId, error)
      }
    }
  }

  async function admit(method: DescMethod, request: Message, context: HandlerContext, state: { requestId: string }) {
    const headers = context.requestHeader
    const origin = originOf(Object.fromEntries(headers), publicUrl)
    const byCookie = !headers.has('authorization') && (headers.get('cookie') ?? '').includes(`${sessionCookie}=`)
    if (origin === 'foreign' || (byCookie && origin !== 'ours')) {
      throw new AppError('permission_denied', 'Calls from other sites are refused.', { reason: 'cross_site' })
    }
    const incoming: Incoming = {
      header: (name) => headers.get(name) ?? undefined,
      address: context.values.get(peerKey),
      signal: context.signal,
      reply: {
        setCookie(name, value, maxAgeSeconds) {
          const secure = publicUrl?.startsWith('https:') ? '; Secure' : ''
          const age = value === null ? 0 : maxAgeSeconds
          context.responseHeader.append(
            'set-cookie',
            `${name}=${value ?? ''}; Path=/; HttpOnly; SameSite=Lax${age === undefined ? '' : `; Max-Age=${age}`}${secure}`,
          )
        },
      },
    }
    const call = await calls.begin(method, incoming)
    state.requestId = call.requestId
    context.responseHeader.set('x-request-id', call.requestId)
    return call.admit(request)
  }
}

function toConnectError(calls: Calls, method: DescMethod, requestId: string, thrown: unknown): ConnectError {
  const { error, info } = calls.fail(method, requestId || uuidv7(), thrown)
  const headers: Record<string, string> = {}
  if (error.params.retry_after !== undefined) headers['retry-after'] = error.params.retry_after
  const code = errorCodes[error.code].grpc as Code
  return new ConnectError(error.message, code, headers, [{ desc: ErrorInfoSchema, value: info }])
}

/** Fastify's own refusals keep their more exact status (413, 415). */
function statusOf(thrown: unknown): number | undefined {
  const { statusCode } = thrown as { statusCode?: number }
  return statusCode !== undefined && statusCode >= 400 && statusCode < 500 ? statusCode : undefined
}

function fromFastify(thrown: unknown): AppErrorType {
  const { statusCode, message } = thrown as { statusCode?: number; message?: string }
  if (thrown instanceof AppError || statusCode === undefined || statusCode >= 500) return toAppError(thrown)
  if (statusCode === 413)
    return new AppError('resource_exhausted', 'The request is too large.', { reason: 'too_large' })
  if (statusCode === 403) return forbidden('request')
  return new AppError(statusCode === 404 ? 'not_found' : 'invalid_argument', message ?? 'The request is malformed.')
}
