// The HTTP door: handler tables under /api in the Connect protocol, the features' downloads and sockets, the console's
// files, health.

import type { AddressInfo } from 'node:net'
import { AppError, type AppError as AppErrorType, errorCodes, stops, toAppError } from '@ansflow/proto/errors'
import {
  create,
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type Message,
} from '@bufbuild/protobuf'
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
import { stringifySetCookie } from 'cookie'
import { type FastifyReply, fastify } from 'fastify'
import type { Bus } from '../platform/bus.ts'
import type { Clock } from '../platform/clock.ts'
import type { EntityManager } from '../platform/db.ts'
import { uuidv7 } from '../platform/ids.ts'
import type { Logger } from '../platform/log.ts'
import { placeOf } from '../platform/place.ts'
import { storeError } from '../platform/store-error.ts'
import { type Admission, requestLimit } from './admission.ts'
import {
  accessOf,
  type Call,
  type Calls,
  type Reply,
  type Rights,
  type ServiceTable,
  type StreamHandler,
  type UnaryHandler,
} from './call.ts'
import { deadlineOf, inOurWords } from './connect-deadline.ts'
import { boundConnections } from './connections.ts'
import { registerConsole } from './console-files.ts'
import { detailsOf } from './error-details.ts'
import { retryAfterOf } from './error-info.ts'
import { leaveLarge, writeLargeAnswers } from './large-answers.ts'
import { refuseCrossSite } from './origin.ts'
import { answerProtocolErrors } from './protocol-errors.ts'
import { type Route, registerRoutes, sendError } from './routes.ts'
import { registerSchema } from './schema-file.ts'
import { registerSockets, type SocketRoute } from './sockets.ts'
import { createTurns } from './turns.ts'

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

/** Behind the headers; what sends more slowly than this is no client. */
const requestTimeoutMs = 60_000

export interface HttpOptions {
  host: string
  port: number
  publicUrl: string | undefined
  /** Addresses and networks of the proxies before us whose X-Forwarded-For is believed. */
  trustedProxies: string[]
  tables: ServiceTable[]
  routes: Route[]
  sockets: SocketRoute[]
  consoleFolder: string
  calls: Calls
  admission: Admission
  rights: Rights
  newEm: () => EntityManager
  ready: () => Promise<boolean>
  bus: Bus
  clock: Clock
  log: Logger
}

const securityHeaders = {
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

export interface Door {
  /** host:port really listened on. */
  address: string
  /** Refuses new calls, ends streams, waits for the rest up to `graceMs`. */
  stop(graceMs: number): Promise<void>
}

interface Peer {
  address: string
  bytesRead: () => number
}

const peerKey = createContextKey<Peer>({ address: '', bytesRead: () => 0 })
/** Set before the body is read. */
const callKey = createContextKey<Call | undefined>(undefined)

export async function openHttp(options: HttpOptions): Promise<Door> {
  const { calls, log, publicUrl } = options
  const stopping = new AbortController()
  const http = fastify({
    logger: false,
    bodyLimit: messageLimit,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 256 },
    requestTimeout: requestTimeoutMs,
    http: { connectionsCheckingInterval: 5000 },
    connectionTimeout: 0,
    keepAliveTimeout: 65_000,
    trustProxy: options.trustedProxies.length > 0 && options.trustedProxies,
    // Addresses that cannot be read never reach the hooks.
    frameworkErrors: (_error, _request, reply) => notHere(reply.headers(securityHeaders)),
  })
  http.server.headersTimeout = 20_000

  boundConnections(http.server, options.trustedProxies)
  const turns = createTurns()
  http.addHook('onRequest', (request) => turns.turn(placeOf(request.ip)))
  http.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders)
    if (request.url.startsWith('/api/')) reply.header('cache-control', 'no-store')
  })
  http.setErrorHandler((thrown, request, reply) => {
    const error = fromFastify(thrown)
    const requestId = uuidv7()
    if (error.code === 'internal') log.error({ err: thrown, requestId, url: request.url }, 'a request failed')
    if (error.reason === 'range_not_satisfiable') reply.header('content-range', `bytes */${error.params.size}`)
    return sendError(reply, error, requestId, statusOf(thrown))
  })

  const { rights, admission, newEm, bus, clock } = options
  const tools = { rights, admission, newEm, publicUrl, stopping: stopping.signal, bus, clock, log }
  await http.register(fastifyWebsocket, {
    // One message in a turn of the event loop: what came together must not be taken together.
    options: { maxPayload: messageLimit, perMessageDeflate: false, allowSynchronousEvents: false },
    preClose: (done) => done(),
  })
  const socketPaths = new Set(options.sockets.map(({ path }) => path))
  http.addHook('onRequest', async (request, reply) => {
    if (request.ws && !socketPaths.has(request.routeOptions.url ?? '')) return notHere(reply)
  })
  await http.register(async (scope) => {
    registerRoutes(scope, options.routes, tools)
    registerSockets(scope, options.sockets, tools)
  })
  await http.register(async (scope) => {
    // What is no content type of an rpc is for the rpc to refuse, which can say what is right.
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
    await scope.register(fastifyConnectPlugin, {
      prefix: '/api',
      grpc: false,
      readMaxBytes: messageLimit,
      // A compressor for each small message of a stream costs more memory and time than the bytes it saves.
      compressMinBytes: 16 * 1024,
      jsonOptions: { ignoreUnknownFields: false },
      // A megabyte of them takes longer to keep than all that is known.
      binaryOptions: { readUnknownFields: false },
      shutdownSignal: stopping.signal,
      contextValues: ({ ip, raw }) => {
        const { socket } = raw
        const before = socket.bytesRead
        return createContextValues().set(peerKey, { address: ip, bytesRead: () => socket.bytesRead - before })
      },
      requestGate: (context) => admit(context, calls, publicUrl),
      routes: (router) => {
        for (const table of options.tables) addTable(router, table, calls)
        answerProtocolErrors(router)
        writeLargeAnswers(router)
      },
    })
  })
  http.get('/healthz', async () => ({ status: 'ok' }))
  http.get('/readyz', async (_request, reply) => {
    const ready = !stopping.signal.aborted && (await options.ready())
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready' })
  })
  registerSchema(http)
  const servePage = await registerConsole(http, options.consoleFolder)
  http.setNotFoundHandler((request, reply) => {
    const page = /^\/(api|download)(\/|$|\?)/.test(request.url) ? undefined : servePage(request, reply)
    return page ?? notHere(reply)
  })

  await http.listen({ host: options.host, port: options.port })
  const { port } = http.server.address() as AddressInfo
  return {
    address: `${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`,
    async stop(graceMs) {
      stopping.abort(stops())
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

function notHere(reply: FastifyReply): FastifyReply {
  return sendError(reply, new AppError('unimplemented', 'There is nothing at this address.'), uuidv7())
}

function addTable(router: ConnectRouter, table: ServiceTable, calls: Calls): void {
  for (const method of table.service.methods) {
    const handler = table.handlers[method.localName]
    const options = { readMaxBytes: requestLimit(method, accessOf(method)) }
    if (method.methodKind === 'unary')
      router.rpc(method as DescMethodUnary, unary(method, handler as UnaryHandler), options)
    if (method.methodKind === 'server_streaming')
      router.rpc(method as DescMethodServerStreaming, stream(method, handler as StreamHandler), options)
  }

  function unary(method: DescMethod, handler: UnaryHandler) {
    return async (request: Message, context: HandlerContext) => {
      const call = begun(context)
      try {
        const answer = await Promise.race([call.answer(request, handler), deadlineOf(context.signal)])
        return await leaveLarge(context, create(method.output, answer))
      } catch (error) {
        throw toConnectError(calls, method, call.requestId, error)
      }
    }
  }

  function stream(method: DescMethod, handler: StreamHandler) {
    return async function* (request: Message, context: HandlerContext) {
      const call = begun(context)
      try {
        yield* call.answers(request, handler).messages
      } catch (error) {
        throw toConnectError(calls, method, call.requestId, error)
      }
    }
  }
}

function begun(context: HandlerContext): Call {
  const call = context.values.get(callKey)
  if (!call) throw new Error('A call came past the gate.')
  return call
}

/** Before the body is read, whatever the protocol. */
async function admit(context: HandlerContext, calls: Calls, publicUrl: string | undefined): Promise<void> {
  const { method, requestHeader: headers } = context
  const { address, bytesRead } = context.values.get(peerKey)
  const reply: Reply = {
    setCookie(name, value, maxAgeSeconds) {
      const secure = publicUrl?.startsWith('https:') ?? false
      const age = value === null ? 0 : maxAgeSeconds
      const attributes = {
        path: '/',
        httpOnly: true,
        sameSite: 'lax',
        secure,
        ...(age === undefined ? {} : { maxAge: age }),
      } as const
      context.responseHeader.append('set-cookie', stringifySetCookie({ name, value: value ?? '', ...attributes }))
    },
  }
  try {
    refuseCrossSite(Object.fromEntries(headers), publicUrl, 'changes')
    const header = (name: string) => headers.get(name) ?? undefined
    const call = await calls.begin(method, { header, address, signal: inOurWords(context.signal), reply, bytesRead })
    context.responseHeader.set('x-request-id', call.requestId)
    context.values.set(callKey, call)
  } catch (error) {
    throw toConnectError(calls, method, '', error)
  }
}

function toConnectError(calls: Calls, method: DescMethod, requestId: string, thrown: unknown): ConnectError {
  const { error, message, info } = calls.fail(method, requestId || uuidv7(), thrown)
  const headers: Record<string, string> = {}
  const seconds = retryAfterOf(info)
  if (seconds !== undefined) headers['retry-after'] = String(seconds)
  const code = errorCodes[error.code].grpc as Code
  return new ConnectError(message, code, headers, detailsOf(info) as ConstructorParameters<typeof ConnectError>[3])
}

/** What HTTP has a more exact status for than the taxonomy. */
function statusOf(thrown: unknown): number | undefined {
  const { statusCode, reason } = thrown as { statusCode?: number; reason?: string }
  if (reason === 'range_not_satisfiable') return 416
  return statusCode === 413 || statusCode === 415 ? statusCode : undefined
}

function fromFastify(thrown: unknown): AppErrorType {
  const { statusCode, message } = thrown as { statusCode?: number; message?: string }
  if (thrown instanceof AppError || statusCode === undefined || statusCode >= 500)
    return storeError(thrown) ?? toAppError(thrown)
  if (statusCode === 413)
    return new AppError('resource_exhausted', 'The request is too large.', { reason: 'too_large' })
  // The static files say 403 to addresses that lead outside of their folder.
  if (statusCode === 403 || statusCode === 404)
    return new AppError('unimplemented', 'There is nothing at this address.')
  return new AppError('invalid_argument', message ?? 'The request is malformed.')
}
