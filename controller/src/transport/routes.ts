// What is not an rpc: plain HTTP routes, which features declare as data and this file puts on Fastify. A route says who may
// use it; who asks is known, and how much they may send is bounded, before a byte of a body is read.

import type { IncomingHttpHeaders } from 'node:http'
import { addAbortSignal, Readable } from 'node:stream'
import { findUnstorable } from '@ansflow/proto/characters'
import { AppError, errorCodes, unauthenticated } from '@ansflow/proto/errors'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Bus } from '../platform/bus.ts'
import type { Clock } from '../platform/clock.ts'
import type { EntityManager } from '../platform/db.ts'
import type { Logger } from '../platform/log.ts'
import type { Admission, Entrance } from './admission.ts'
import { allowPath, createAllow, type PathAccess } from './allow.ts'
import type { Caller, Rights } from './call.ts'
import { connectErrorJson } from './connect-errors.ts'
import { errorAnswer, retryAfterOf } from './error-info.ts'
import { openStream } from './open-stream.ts'
import { refuseCrossSite } from './origin.ts'

export type Route = GetRoute | PostRoute

export interface GetRoute {
  method?: 'GET'
  /** As Fastify writes them: "/download/runs/:runId/steps/:stepId/log". */
  path: string
  /** 'public': nobody has to sign in for it. Else it is asked again while the answer lasts. */
  access: 'public' | PathAccess
  handle(request: RouteRequest): Promise<Answer>
}

export interface PostRoute {
  method: 'POST'
  path: string
  /** Bytes of the body at most; what says that it is longer is refused before it is read, what is longer while it is. */
  bodyLimit: number
  /** It is for programs that send much, all of it signed: strangers' limits are not theirs. */
  program?: true
  /**
   * By the right of whoever signed in, where a cookie counts from our own pages alone; or by what the sender itself signed,
   * where no cookie and no token counts, so that no page can make a browser send it.
   */
  access: PathAccess | { signed: (request: PostRequest) => Promise<void> }
  handle(request: PostRequest): Promise<Answer>
}

export interface RouteRequest {
  params: Record<string, string>
  query: Record<string, string>
  headers: IncomingHttpHeaders
  address: string
  /** The Range header. */
  range: string | undefined
  signal: AbortSignal
}

export interface PostRequest extends RouteRequest {
  /** As it came, whatever its content type. */
  body: Buffer
}

export interface Answer {
  contentType: string
  /** Offered to save under; undefined: shown in place. */
  fileName?: string
  size?: number
  /** 200 without. */
  status?: number
  /** It may be kept; "no-store" without. */
  cacheControl?: string
  headers?: Record<string, string>
  body: AsyncIterable<Uint8Array> | Uint8Array | string
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

const anonymous: Caller = { kind: 'anonymous' }

/** On a scope of their own: bodies are left as they come there. */
export function registerRoutes(http: FastifyInstance, routes: Route[], tools: RouteTools): void {
  http.removeAllContentTypeParsers()
  http.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  http.addHook('onRequest', async ({ params }) => {
    // Nothing is called so, and no database could look for it.
    if (findUnstorable(params) !== undefined) throw new AppError('not_found', 'There is nothing here.')
  })
  for (const route of routes) {
    if (route.method === 'POST') registerPost(http, route, tools)
    else registerGet(http, route, tools)
  }
}

function registerGet(http: FastifyInstance, { path, access, handle }: GetRoute, tools: RouteTools): void {
  http.get(path, async (request, reply) => {
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    const caller = await callerWith(request, access, tools, 'reads')
    gone.signal.throwIfAborted()
    const { signal, close } = openStream(tools, caller, AbortSignal.any([gone.signal, tools.stopping]), {
      authenticate: async () => (access === 'public' ? anonymous : callerOf(request, tools, 'reads')),
      check: (now) => check(request, access, tools, now),
    })
    gone.signal.addEventListener('abort', close)
    const answer = await handle(routeRequest(request, signal))
    signal.throwIfAborted()
    return send(reply, answer, signal)
  })
}

function registerPost(
  http: FastifyInstance,
  { path, bodyLimit, program, access, handle }: PostRoute,
  tools: RouteTools,
): void {
  const entrances = new WeakMap<FastifyRequest, Entrance>()
  const isSigned = 'signed' in access
  http.post(
    path,
    {
      bodyLimit,
      onRequest: async (request, reply) => {
        const gone = new AbortController()
        reply.raw.once('close', () => gone.abort())
        // Whose signature it is says the body, so until then its sender is a stranger.
        const caller = isSigned ? anonymous : await callerWith(request, access, tools, 'changes')
        const entrance = await tools.admission.route({ caller, address: request.ip }, gone.signal, program)
        reply.raw.once('close', entrance.leave)
        entrances.set(request, entrance)
      },
    },
    async (request, reply) => {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
      entrances.get(request)?.spent(body.length)
      const gone = new AbortController()
      reply.raw.once('close', () => gone.abort())
      const signal = AbortSignal.any([gone.signal, tools.stopping])
      const post = { ...routeRequest(request, signal), body }
      if (isSigned) await access.signed(post)
      return send(reply, await handle(post), signal)
    },
  )
}

function routeRequest(request: FastifyRequest, signal: AbortSignal): RouteRequest {
  return {
    params: request.params as Record<string, string>,
    query: request.query as Record<string, string>,
    headers: request.headers,
    address: request.ip,
    range: request.headers.range,
    signal,
  }
}

function send(reply: FastifyReply, answer: Answer, signal: AbortSignal): FastifyReply {
  reply.code(answer.status ?? 200).headers(answer.headers ?? {})
  reply.header('content-type', answer.contentType).header('cache-control', answer.cacheControl ?? 'no-store')
  if (answer.size !== undefined) reply.header('content-length', answer.size)
  if (answer.fileName !== undefined) {
    reply.header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(answer.fileName)}`)
  }
  const { body } = answer
  const isWhole = typeof body === 'string' || body instanceof Uint8Array
  // Cut off where it may not go on, so that nobody takes a part for the whole.
  return reply.send(isWhole ? body : addAbortSignal(signal, Readable.from(body)))
}

/** Who asks, if they may. */
async function callerWith(
  request: FastifyRequest,
  access: 'public' | PathAccess,
  tools: RouteTools,
  does: 'reads' | 'changes',
): Promise<Caller> {
  const caller = access === 'public' ? anonymous : await callerOf(request, tools, does)
  await check(request, access, tools, caller)
  return caller
}

async function check(
  request: FastifyRequest,
  access: 'public' | PathAccess,
  tools: RouteTools,
  caller: Caller,
): Promise<void> {
  if (access === 'public') return
  await allowPath(createAllow(tools.rights), tools.newEm(), caller, access, request.params as Record<string, string>)
}

/** Whoever signed in; throws when nobody did. */
export async function callerOf(
  request: FastifyRequest,
  { rights, publicUrl }: RouteTools,
  does: 'reads' | 'changes',
): Promise<Caller> {
  refuseCrossSite(request.headers, publicUrl, does)
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
