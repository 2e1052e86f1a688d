// Stands before every gRPC call: from the headers alone it decides whether a message is read, and how large one may be.
import { AppError, canceled, deadlineExceeded } from '@ansflow/proto/errors'
import type { DescMethod } from '@bufbuild/protobuf'
import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type ServerListener,
  type StatusObject,
} from '@grpc/grpc-js'
import { placeOf } from '../platform/place.ts'
import { type Admission, requestLimit } from './admission.ts'
import { accessOf, type Call, type Calls, type Incoming } from './call.ts'
import { createTurns } from './turns.ts'

/** For the one message of a call that has one. */
const messageMs = 30_000

export interface GrpcGate {
  interceptor: ServerInterceptor
  /** The call that came in with these headers. */
  begun(metadata: Metadata): { call: Call; signal: AbortSignal }
}

export interface GateDeps {
  /** By path; what is not among them is health and reflection. */
  methods: Map<string, DescMethod>
  calls: Calls
  admission: Admission
  stopping: AbortSignal
  statusOf(method: DescMethod | undefined, requestId: string, thrown: unknown): StatusObject
}

export function grpcGate({ methods, calls, admission, stopping, statusOf }: GateDeps): GrpcGate {
  const turns = createTurns()
  const begun = new WeakMap<Metadata, { call: Call; signal: AbortSignal }>()

  function interceptor(
    { path, requestStream, responseStream }: { path: string; requestStream: boolean; responseStream: boolean },
    call: ServerInterceptingCallInterface,
  ): ServerInterceptingCall {
    const method = methods.get(path)
    const most = method && requestLimit(method, accessOf(method))
    const gone = new AbortController()
    const signal = AbortSignal.any([gone.signal, stopping])
    let received = 0
    let timer: NodeJS.Timeout | undefined

    async function admit(metadata: Metadata): Promise<void> {
      const address = addressOf(call)
      await turns.turn(placeOf(address))
      if (!method) {
        const { leave } = await admission.stranger(address, requestStream || responseStream, signal)
        signal.addEventListener('abort', leave, { once: true })
        return
      }
      const incoming: Incoming = {
        header: (name) => metadata.get(name)[0]?.toString(),
        address,
        signal,
        reply: { setCookie: () => undefined },
        bytesRead: () => received,
      }
      begun.set(metadata, { call: await calls.begin(method, incoming), signal })
    }

    const listener: ServerListener = {
      onReceiveMetadata(metadata, next) {
        admit(metadata).then(
          () => {
            if (!requestStream) timer = setTimeout(() => refuse(tooSlow()), messageMs)
            next(metadata)
          },
          (error: unknown) => refuse(error),
        )
      },
      onReceiveMessage(message: unknown, next) {
        clearTimeout(timer)
        const { length } = message as Buffer
        received += length
        if (most !== undefined && length > most) refuse(tooLarge())
        else next(message)
      },
      onCancel() {
        clearTimeout(timer)
        // The library answers a passed deadline by itself and cancels the call.
        gone.abort(Number(call.getDeadline()) <= Date.now() ? deadlineExceeded() : canceled())
      },
    }
    const refuse = (error: unknown) => call.sendStatus(statusOf(method, '', error))
    return new ServerInterceptingCall(call, { start: (next) => next(listener) })
  }

  return {
    interceptor,
    begun(metadata) {
      const known = begun.get(metadata)
      if (!known) throw new Error('A call came past the gate.')
      return known
    },
  }
}

function addressOf(call: ServerInterceptingCallInterface): string {
  return call.getPeer().replace(/:\d+$/, '')
}

function tooSlow(): AppError {
  return new AppError('deadline_exceeded', 'The request did not come.')
}

function tooLarge(): AppError {
  return new AppError('resource_exhausted', 'The request is too large.', { reason: 'too_large' })
}
