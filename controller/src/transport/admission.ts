// Decides from a call's headers alone whether its body is read: who calls, whether they may call such a method at all, and how
// much of theirs is under way. Nobody can take the controller from others: strangers count by their address, people and
// agents by who they are, whatever token or session it comes from.
import { AppError, forbidden, unauthenticated } from '@ansflow/proto/errors'
import type { Access } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import { requestBytes } from '@ansflow/proto/limits'
import type { DescMethod } from '@bufbuild/protobuf'
import { placeOf } from '../platform/place.ts'
import { type Meter, meter, type Rate } from '../platform/rate.ts'
import type { Caller } from './call.ts'

export interface Visitor {
  caller: Caller
  address: string
}

export interface Entrance {
  /** Bytes of the body, once they came. */
  spent(bytes: number): void
  /** The call, stream or socket is over. */
  leave(): void
}

export interface Admission {
  /** Resolves once the body may be read; a call waits while many of the same caller are under way. */
  call(method: DescMethod, access: Access, visitor: Visitor, signal: AbortSignal): Promise<Entrance>
  /** For what is no method of ours: health, reflection. */
  stranger(address: string, streams: boolean, signal: AbortSignal): Promise<Entrance>
  /** A request to a plain route. `program`: it is for programs that send much and sign each of it, such as forges. */
  route(visitor: Visitor, signal: AbortSignal, program?: boolean): Promise<Entrance>
  socket(visitor: Visitor): Entrance
}

interface Allowance {
  /** Calls at work at once, and how many more may wait for that. */
  calls: number
  waiting: number
  streams: number
  sockets: number
  rate: Rate
  bytes: Rate
}

const mebibyte = 1024 * 1024
const strangers: Allowance = {
  calls: 8,
  waiting: 100,
  streams: 32,
  sockets: 0,
  rate: { perSecond: 20, burst: 200 },
  bytes: { perSecond: 64 * 1024, burst: 512 * 1024 },
}
/** Of one address, which may be that of a forge with many repositories. */
const programs: Allowance = {
  calls: 16,
  waiting: 2000,
  streams: 0,
  sockets: 0,
  rate: { perSecond: 200, burst: 2000 },
  bytes: { perSecond: 4 * mebibyte, burst: 64 * mebibyte },
}
const people: Allowance = {
  calls: 32,
  waiting: 2000,
  streams: 500,
  sockets: 200,
  rate: { perSecond: 2000, burst: 10_000 },
  bytes: { perSecond: 4 * mebibyte, burst: 32 * mebibyte },
}
// Their streams are held back message by message by whoever receives them.
const agents: Allowance = {
  calls: 8,
  waiting: 100,
  streams: 8,
  sockets: 0,
  rate: { perSecond: 20, burst: 100 },
  bytes: { perSecond: 1024 * mebibyte, burst: 1024 * mebibyte },
}

/** `now` in milliseconds, of a clock that only goes on. */
export function createAdmission(now?: () => number): Admission {
  const kinds = { anonymous: guard(strangers, now), user: guard(people, now), agent: guard(agents, now) }
  const signed = guard(programs, now)

  return {
    async call(method, { permission }, { caller, address }, signal) {
      const isPublic = permission === 'public'
      if (caller.kind === 'anonymous' && !isPublic) throw unauthenticated()
      if (caller.kind !== 'agent' && permission === 'agent') throw forbidden('agent')
      if (caller.kind === 'agent' && !isPublic && permission !== 'agent') throw forbidden(permission)
      const streams = method.methodKind !== 'unary'
      return kinds[caller.kind].enter(keyOf(caller, address), streams, signal)
    },
    stranger: (address, streams, signal) => kinds.anonymous.enter(placeOf(address), streams, signal),
    route: ({ caller, address }, signal, program = false) =>
      (program ? signed : kinds[caller.kind]).enter(keyOf(caller, address), false, signal),
    socket: ({ caller, address }) => kinds[caller.kind].socket(keyOf(caller, address)),
  }
}

function keyOf(caller: Caller, address: string): string {
  if (caller.kind === 'user') return caller.userId
  return caller.kind === 'agent' ? caller.agentId : placeOf(address)
}

/** Bytes that a request of this method may have. */
export function requestLimit(method: DescMethod, { permission }: Access): number {
  const path = `${method.parent.typeName}/${method.name}`
  return requestBytes.of[path] ?? (permission === 'public' ? requestBytes.ofStrangers : requestBytes.usual)
}

interface Guard {
  enter(key: string, streams: boolean, signal: AbortSignal): Promise<Entrance>
  socket(key: string): Entrance
}

function guard(allowance: Allowance, now: (() => number) | undefined): Guard {
  const rate = meter(allowance.rate, now)
  const bytes = meter(allowance.bytes, now)
  const calls = places(allowance.calls, allowance.waiting)
  const streams = places(allowance.streams, 0)
  const sockets = places(allowance.sockets, 0)
  const entrance = (key: string, leave: () => void): Entrance => ({ leave, spent: (size) => bytes.spend(key, size) })
  return {
    async enter(key, isStream, signal) {
      refuseHasty(rate, key)
      refuseHasty(bytes, key)
      rate.spend(key, 1)
      return entrance(key, await (isStream ? streams : calls).take(key, signal))
    },
    socket(key) {
      refuseHasty(rate, key)
      rate.spend(key, 1)
      return entrance(key, sockets.takeNow(key))
    },
  }
}

function refuseHasty(limit: Meter, key: string): void {
  const wait = limit.waitMs(key)
  if (wait > 0) throw tooMuch('too_fast', 'Too much in a short time.', Math.ceil(wait / 1000))
}

function tooMuch(reason: string, message: string, seconds: number): AppError {
  return new AppError('resource_exhausted', `${message} Try again in ${seconds} s.`, {
    reason,
    params: { retry_after: String(seconds) },
  })
}

interface Places {
  take(key: string, signal: AbortSignal): Promise<() => void>
  takeNow(key: string): () => void
}

/** So many at once for each key, and so many more who wait in their order. */
function places(most: number, mostWaiting: number): Places {
  const taken = new Map<string, { count: number; waiting: (() => void)[] }>()

  function leave(key: string): () => void {
    let left = false
    return () => {
      const entry = taken.get(key)
      if (left || !entry) return
      left = true
      const next = entry.waiting.shift()
      if (next) next()
      else if (--entry.count === 0) taken.delete(key)
    }
  }

  function takeNow(key: string): () => void {
    const entry = taken.get(key) ?? { count: 0, waiting: [] }
    if (entry.count >= most) throw tooMuch('too_many', `There are ${most} under way from you already.`, 1)
    entry.count += 1
    taken.set(key, entry)
    return leave(key)
  }

  return {
    takeNow,
    async take(key, signal) {
      const entry = taken.get(key)
      if (!entry || entry.count < most || entry.waiting.length >= mostWaiting) return takeNow(key)
      await new Promise<void>((resolve, reject) => {
        entry.waiting.push(resolve)
        signal.addEventListener('abort', () => {
          const at = entry.waiting.indexOf(resolve)
          if (at < 0) return
          entry.waiting.splice(at, 1)
          reject(new AppError('canceled', 'The caller went away.'))
        })
      })
      return leave(key)
    },
  }
}
