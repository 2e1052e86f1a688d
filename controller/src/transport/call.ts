// One way for every call, whichever door it comes through: who calls, what the rpc asks for, on what, may they, do it,
// and how an error is answered.

import {
  callerKinds,
  type Grant,
  isPermission,
  type Permission,
  type ProjectScope,
  type Scope,
} from '@ansflow/proto/access'
import { type AppError, forbidden, invalidField, toAppError, unauthenticated } from '@ansflow/proto/errors'
import { type Access, access, Resource } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import type { Handlers } from '@ansflow/proto/rpc'
import {
  type DescMethod,
  type DescMethodBiDiStreaming,
  type DescService,
  getOption,
  hasOption,
  type Message,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf'
import type { Bus } from '../platform/bus.ts'
import type { Clock } from '../platform/clock.ts'
import type { EntityManager } from '../platform/db.ts'
import { uuidv7 } from '../platform/ids.ts'
import type { Logger } from '../platform/log.ts'
import { storeError } from '../platform/store-error.ts'
import type { Admission } from './admission.ts'
import { createAllow } from './allow.ts'
import { type ErrorAnswer, errorAnswer } from './error-info.ts'
import { openStream } from './open-stream.ts'
import { refuseUnknownEnums } from './request-enums.ts'
import { refuseUnstorable } from './request-text.ts'

export type { Grant, ProjectScope, Scope }

export type Caller =
  | { kind: 'anonymous' }
  | {
      kind: 'user'
      userId: string
      name: string
      email: string
      /** Those that counted when this was asked. */
      grants: Grant[]
      /** Of the API token; a session has "*". */
      scopes: string[]
      sessionId?: string
      /** That it was authenticated by. */
      token?: { id: string; name: string }
      /** Of the session or token; absent: never. */
      expiresAt?: Date
    }
  | { kind: 'agent'; agentId: string; organizationId: string }

export interface CallContext {
  caller: Caller
  /** Forked for this call. */
  em: EntityManager
  /** Aborts when the caller goes away, their deadline passes or the controller stops; a stream's also when the right to it goes. */
  signal: AbortSignal
  log: Logger
  requestId: string
  /** What the rpc's access option named, resolved; undefined for "public", "self" and "agent". */
  scope: Scope | undefined
  /** The other end, for rate limits and session lists. */
  peer: { address: string; userAgent: string }
  reply: Reply
  /** The one way to change something: in a transaction, as `Db.transaction` runs it, that also writes the audit's row. */
  change<T>(work: (em: EntityManager) => Promise<Change<T>>): Promise<T>
  /** For changes that are committed elsewhere, which carry this to there. */
  act: Act
  /**
   * Of a call with an idempotency key: the id for what it makes. The call may have been made before with it, and have gone down
   * before its answer was kept.
   */
  makes?: string
}

/** Who does something, by which method, from where: what a row of the audit says whatever was changed. */
export interface Act {
  caller: Caller
  /** "ProjectService/UpdateProject" */
  action: string
  scope: Scope | undefined
  peer: { address: string; userAgent: string }
  requestId: string
}

/** What a call changed, with what it answers. Never a secret's value. */
export interface Change<T> {
  result: T
  resource: { kind: string; id: string; name?: string }
  /** In short; absent where there was, or is, nothing. */
  before?: Record<string, unknown>
  after?: Record<string, unknown>
  /** Where they are not the call's scope. */
  organizationId?: string
  projectId?: string
  /** Who it was, where the call itself had no caller yet. */
  actor?: { id: string; name: string }
  /** It was refused, and why. */
  failure?: string
}

export interface Audit {
  /** Does the work in a transaction that also writes down what it changed. */
  change<T>(act: Act, work: (em: EntityManager) => Promise<Change<T>>): Promise<T>
}

export interface Reply {
  /** Only browsers keep cookies: on gRPC this does nothing. Null takes the cookie away. */
  setCookie(name: string, value: string | null, maxAgeSeconds?: number): void
}

/** What a door knows of a call before anything is decided. */
export interface Incoming {
  header(name: string): string | undefined
  address: string
  /** Also aborts when the call is over. Its reason is the error that a stream which it ends is answered with. */
  signal: AbortSignal
  reply: Reply
  /** Of the body, read so far. */
  bytesRead(): number
}

/** One end of a bidirectional stream, whatever carries it. */
export interface BidiStream<I, O> {
  messages: AsyncIterable<I>
  /** Resolves when the stream can take more. Rejects once the other side is gone. */
  send(message: O): Promise<void>
}

type BidiKeys<S extends DescService> = {
  [M in keyof S['method']]: S['method'][M] extends DescMethodBiDiStreaming ? M : never
}[keyof S['method']]

export type CallHandlers<S extends DescService> = Omit<Handlers<S, CallContext>, BidiKeys<S>>

/** Handlers of bidirectional methods; the stream ends when their promise settles. Served on gRPC only. */
export type StreamHandlers<S extends DescService> = {
  [M in BidiKeys<S>]: S['method'][M] extends DescMethodBiDiStreaming<infer I, infer O>
    ? (stream: BidiStream<MessageShape<I>, MessageInitShape<O>>, ctx: CallContext) => Promise<void>
    : never
}

export type UnaryHandler = (request: Message, ctx: CallContext) => Promise<Record<string, unknown>>
export type StreamHandler = (request: Message, ctx: CallContext) => AsyncIterable<Record<string, unknown>>
export type BidiHandler = (stream: BidiStream<Message, Record<string, unknown>>, ctx: CallContext) => Promise<void>

export interface ServiceTable {
  service: DescService
  handlers: Record<string, UnaryHandler | StreamHandler | BidiHandler>
}

/** A service with its handlers, ready to be served. */
export function serviceTable<S extends DescService>(
  service: S,
  handlers: CallHandlers<S>,
  ...[streams]: BidiKeys<S> extends never ? [] : [StreamHandlers<S>]
): ServiceTable {
  return { service, handlers: { ...handlers, ...streams } as ServiceTable['handlers'] }
}

export interface Rights {
  /** Never throws for missing credentials (that is `anonymous`); throws `unauthenticated` for wrong ones. */
  authenticate(incoming: Pick<Incoming, 'header' | 'address'>): Promise<Caller>
  /** Throws `forbidden`, or `notFound` when the caller may not even see it. */
  authorize(caller: Caller, permission: Permission, scope: Scope, what?: { noun: string; id: string }): void
  /** Where a thing belongs; undefined: there is none. An empty id is the caller's only organization. */
  resolve: Record<number, (em: EntityManager, id: string, caller: Caller) => Promise<Scope | undefined>>
}

export interface Calls {
  /** Before the body is read: throws when the caller may not call this at all, or has too much under way. */
  begin(method: DescMethod, incoming: Incoming): Promise<Call>
  /** The answer for an error, logged when it is ours. */
  fail(method: DescMethod | undefined, requestId: string, error: unknown): Failure
}

export interface Call {
  requestId: string
  /** Checks the caller's right to this request and gives the handler's answer, the same again for the same idempotency key. */
  answer(request: Message, handler: UnaryHandler): Promise<Record<string, unknown>>
  /** Checks the right to a stream, then gives the handler's answers. It ends without error only where the handler came to its end. */
  answers(request: Message, handler: StreamHandler): Answers
  /** The same for both directions. */
  converse(handler: BidiHandler, ends: (signal: AbortSignal) => Parameters<BidiHandler>[0]): Promise<void>
}

export interface Answers {
  /** Aborts when the stream has to end, also while the other side does not read. */
  signal: AbortSignal
  messages: AsyncIterable<Record<string, unknown>>
}

export interface Failure extends ErrorAnswer {
  error: AppError
}

/** Answers of calls that carry an idempotency key. */
export interface Replies {
  /**
   * Does the work, or answers what it answered under this key before. Throws when that was another request. The work is given an id
   * for what it makes, the same however often it has to be begun.
   */
  once(
    call: { method: DescMethod; personId: string; key: string; request: Message },
    work: (makes: string) => Promise<Record<string, unknown>>,
  ): Promise<Record<string, unknown>>
}

export interface CallsDeps {
  rights: Rights
  admission: Admission
  replies: Replies
  audit: Audit
  newEm: () => EntityManager
  bus: Bus
  clock: Clock
  log: Logger
}

/** The rpc's access option; throws for an rpc that has none or one that makes no sense. */
export function accessOf(method: DescMethod): Access {
  const name = `${method.parent.typeName}/${method.name}`
  if (!hasOption(method, access)) throw new Error(`${name} has no (ansflow.v1.access) option.`)
  const rule = getOption(method, access)
  if (callerKinds.includes(rule.permission)) return rule
  for (const permission of [rule.permission, ...rule.also])
    if (!isPermission(permission)) throw new Error(`${name} names an unknown permission "${permission}".`)
  if (rule.resource === Resource.UNSPECIFIED) throw new Error(`${name} does not say what its permission is checked on.`)
  const field = method.input.fields.find((candidate) => candidate.name === rule.field)
  if (!field) throw new Error(`${name} names a field "${rule.field}" that its request does not have.`)
  return rule
}

/** Throws unless every method of every service has an access option and a handler. */
export function checkTables(tables: ServiceTable[]): void {
  for (const { service, handlers } of tables) {
    for (const method of service.methods) {
      accessOf(method)
      if (!handlers[method.localName]) throw new Error(`${service.typeName}/${method.name} has no handler.`)
    }
  }
}

export function createCalls({ rights, admission, replies, audit, newEm, bus, clock, log }: CallsDeps): Calls {
  const allow = createAllow(rights)
  return {
    async begin(method, incoming) {
      const requestId = uuidv7()
      const caller = await rights.authenticate(incoming)
      const rule = accessOf(method)
      const { signal } = incoming
      const entrance = await admission.call(method, rule, { caller, address: incoming.address }, signal)
      let work: Promise<unknown> = Promise.resolve()
      const leave = () => {
        entrance.spent(incoming.bytesRead())
        // A caller who waits no longer has it under way as long as it lasts.
        work.then(entrance.leave, entrance.leave)
      }
      if (signal.aborted) leave()
      else signal.addEventListener('abort', leave, { once: true })
      const callLog = log.child({ requestId, method: `${method.parent.typeName}/${method.name}` })

      async function admitted(request: Message | undefined, signal: AbortSignal): Promise<CallContext> {
        const em = newEm()
        const scope = await admit(rule, method, caller, request, em)
        const userAgent = (incoming.header('user-agent') ?? '').slice(0, 256)
        const peer = { address: incoming.address, userAgent }
        const action = `${method.parent.name}/${method.name}`
        const act: Act = { caller, action, scope, peer, requestId }
        const change: CallContext['change'] = (work) => audit.change(act, work)
        return { caller, em, signal, log: callLog, requestId, scope, peer, reply: incoming.reply, change, act }
      }

      const open = (request: Message | undefined) =>
        openStream({ bus, clock, log: callLog }, caller, signal, {
          authenticate: () => rights.authenticate(incoming),
          check: (now) => admit(rule, method, now, request, newEm()),
        })

      async function answer(request: Message, handler: UnaryHandler) {
        const ctx = await admitted(request, signal)
        const key = readKey(request)
        if (key === '' || caller.kind !== 'user') return handler(request, ctx)
        return replies.once({ method, personId: caller.userId, key, request }, (makes) =>
          handler(request, { ...ctx, makes }),
        )
      }

      return {
        requestId,
        answer(request, handler) {
          const reply = answer(request, handler)
          work = reply
          return reply
        },
        answers(request, handler) {
          const stream = open(request)
          async function* messages() {
            try {
              yield* handler(request, await admitted(request, stream.signal))
              stream.signal.throwIfAborted()
            } catch (error) {
              throw stream.endedBy(error)
            } finally {
              stream.close()
            }
          }
          return { signal: stream.signal, messages: messages() }
        },
        async converse(handler, ends) {
          const stream = open(undefined)
          try {
            await handler(ends(stream.signal), await admitted(undefined, stream.signal))
            stream.signal.throwIfAborted()
          } catch (error) {
            throw stream.endedBy(error)
          } finally {
            stream.close()
          }
        },
      }
    },
    fail(method, requestId, thrown) {
      const error = storeError(thrown) ?? toAppError(thrown)
      if (error.code === 'internal') {
        log.error(
          { err: error.cause ?? error, requestId, method: method && `${method.parent.typeName}/${method.name}` },
          'a call failed',
        )
      }
      return { error, ...errorAnswer(error, requestId) }
    },
  }

  async function admit(
    rule: Access,
    method: DescMethod,
    caller: Caller,
    request: Message | undefined,
    em: EntityManager,
  ): Promise<Scope | undefined> {
    const isPublic = rule.permission === 'public'
    if (caller.kind === 'anonymous' && !isPublic) {
      throw rule.permission === 'agent' ? unauthenticated(noSuchAgent) : unauthenticated()
    }
    if (request) {
      refuseUnstorable(request)
      refuseUnknownEnums(method.input, request)
    }
    if (isPublic) return undefined
    if (rule.permission === 'agent') {
      if (caller.kind !== 'agent') throw forbidden('agent')
      return undefined
    }
    if (caller.kind === 'agent') throw forbidden(rule.permission)
    if (rule.permission === 'self') return undefined
    const field = method.input.fields.find((candidate) => candidate.name === rule.field)
    const id = String((request as unknown as Record<string, unknown> | undefined)?.[field?.localName ?? ''] ?? '')
    const [permission, ...also] = [rule.permission, ...rule.also] as Permission[]
    const scope = await allow(em, caller, permission!, rule.resource, id)
    for (const further of also) rights.authorize(caller, further, scope)
    return scope
  }
}

const noSuchAgent = 'No agent has this identity: it was deleted, renewed or of another controller.'
const longestKey = 128

/** Any request may have the field `idempotency_key`; that is all an rpc needs for it. */
function readKey(request: Message): string {
  const { idempotencyKey: key } = request as { idempotencyKey?: unknown }
  if (typeof key !== 'string') return ''
  if (key.length > longestKey) throw invalidField('idempotency_key', `must have at most ${longestKey} characters`)
  return key
}

/** The signed-in person, in handlers of rpcs that ask for one. */
export function personOf(ctx: CallContext): Extract<Caller, { kind: 'user' }> {
  if (ctx.caller.kind !== 'user') throw unauthenticated()
  return ctx.caller
}

/** The organization of an rpc whose access option names a resource. */
export function organizationOf(ctx: CallContext): string {
  if (!ctx.scope) throw new Error('This rpc has no scope.')
  return ctx.scope.organizationId
}

/** The project of an rpc whose access option names a resource inside a project. */
export function projectOf(ctx: CallContext): string {
  if (!ctx.scope?.projectId) throw new Error('This rpc has no project scope.')
  return ctx.scope.projectId
}
