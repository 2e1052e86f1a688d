// The gRPC door: the same handler tables on grpc-js, with reflection and health, and the bidirectional streams.

import { type EventEmitter, once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { AppError, errorCodes } from '@ansflow/proto/errors'
import { type ErrorInfo, ErrorInfoSchema } from '@ansflow/proto/gen/ansflow/v1/errors_pb'
import {
  create,
  type DescFile,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type Message,
  toBinary,
} from '@bufbuild/protobuf'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import {
  logVerbosity,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type StatusObject,
  type sendUnaryData,
  setLogVerbosity,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { ReflectionService } from '@grpc/reflection'
import { HealthImplementation } from 'grpc-health-check'
import { uuidv7 } from '../platform/ids.ts'
import type { BidiHandler, BidiStream, Calls, Incoming, ServiceTable, StreamHandler, UnaryHandler } from './call.ts'
import type { Door } from './http.ts'
import { messageLimit } from './http.ts'

/** Time for the last answers to leave. */
const flushMs = 200

export interface GrpcOptions {
  host: string
  port: number
  tables: ServiceTable[]
  calls: Calls
}

type AnyCall =
  | ServerUnaryCall<Message, Message>
  | ServerWritableStream<Message, Message>
  | ServerDuplexStream<Message, Message>

export async function openGrpc({ host, port, tables, calls }: GrpcOptions): Promise<Door> {
  const stopping = new AbortController()
  const active = new Set<Promise<void>>()
  const server = new Server({
    'grpc.max_receive_message_length': messageLimit,
    'grpc.keepalive_time_ms': 20_000,
    'grpc.keepalive_timeout_ms': 10_000,
  })
  for (const { service, handlers } of tables) {
    const definition: Record<string, MethodDefinition<Message, Message>> = {}
    const implementation: UntypedServiceImplementation = {}
    for (const method of service.methods) {
      definition[method.localName] = definitionOf(method)
      const handler = handlers[method.localName]
      if (method.methodKind === 'unary') {
        const serve = unary(method, handler as UnaryHandler)
        implementation[method.localName] = (call: ServerUnaryCall<Message, Message>, answer: sendUnaryData<Message>) =>
          track(serve(call, answer))
      } else if (method.methodKind === 'server_streaming') {
        const serve = stream(method, handler as StreamHandler)
        implementation[method.localName] = (call: ServerWritableStream<Message, Message>) => track(serve(call))
      } else {
        const serve = bidi(method, handler as BidiHandler)
        implementation[method.localName] = (call: ServerDuplexStream<Message, Message>) => track(serve(call))
      }
    }
    server.addService(definition as ServiceDefinition, implementation)
  }
  const health = new HealthImplementation({ '': 'SERVING' })
  health.addToServer(server)
  reflection(tables).addToServer(server)

  // Its own words on the terminal would stand beside our sentence.
  setLogVerbosity(logVerbosity.NONE)
  const bound = await new Promise<number>((resolve, reject) => {
    const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, actual) =>
      error ? reject(bindError(error, host, port)) : resolve(actual),
    )
  })
  return {
    address: `${host.includes(':') ? `[${host}]` : host}:${bound}`,
    async stop(graceMs) {
      health.setStatus('', 'NOT_SERVING')
      stopping.abort()
      const deadline = new AbortController()
      const wait = (ms: number) => delay(ms, undefined, { signal: deadline.signal }).catch(() => undefined)
      await Promise.race([
        new Promise<void>((resolve) => server.tryShutdown(() => resolve())),
        // grpc-js never answers when a session was being torn down just then: once no call is left, it is over too.
        Promise.all(active).then(() => wait(flushMs)),
        wait(graceMs),
      ])
      deadline.abort()
      server.forceShutdown()
    },
  }

  function track(work: Promise<void>): void {
    active.add(work)
    void work.finally(() => active.delete(work))
  }

  function unary(method: DescMethod, handler: UnaryHandler) {
    return async (call: ServerUnaryCall<Message, Message>, answer: sendUnaryData<Message>) => {
      let requestId = ''
      try {
        const begun = await calls.begin(method, incoming(call))
        requestId = begun.requestId
        const reply = await handler(call.request, await begun.admit(call.request))
        answer(null, create(method.output as DescMessage, reply))
      } catch (error) {
        answer(statusOf(method, requestId, error))
      }
    }
  }

  function stream(method: DescMethod, handler: StreamHandler) {
    return async (call: ServerWritableStream<Message, Message>) => {
      let requestId = ''
      try {
        const begun = await calls.begin(method, incoming(call))
        requestId = begun.requestId
        const ctx = await begun.admit(call.request)
        for await (const reply of handler(call.request, ctx)) {
          await write(call, create(method.output as DescMessage, reply), ctx.signal)
        }
        call.end()
      } catch (error) {
        call.emit('error', statusOf(method, requestId, error))
      }
    }
  }

  function bidi(method: DescMethod, handler: BidiHandler) {
    return async (call: ServerDuplexStream<Message, Message>) => {
      let requestId = ''
      // An aborted read must not bring the process down; the handler learns of it through its signal.
      call.on('error', () => undefined)
      try {
        const begun = await calls.begin(method, incoming(call))
        requestId = begun.requestId
        const ctx = await begun.admit(undefined)
        const stream: BidiStream<Message, Record<string, unknown>> = {
          // Without this, reading to the end destroys the whole call and what is still to be sent is lost.
          messages: { [Symbol.asyncIterator]: () => call.iterator({ destroyOnReturn: false }) },
          send: (reply) => write(call, create(method.output as DescMessage, reply), ctx.signal),
        }
        await handler(stream, ctx)
        call.end()
      } catch (error) {
        call.emit('error', statusOf(method, requestId, error))
      }
    }
  }

  function incoming(call: AnyCall): Incoming {
    const gone = new AbortController()
    const events = call as EventEmitter
    events.once('cancelled', () => gone.abort())
    events.once('close', () => gone.abort())
    return {
      header: (name) => call.metadata.get(name)[0]?.toString(),
      address: call.getPeer().replace(/:\d+$/, ''),
      signal: AbortSignal.any([gone.signal, stopping.signal]),
      reply: { setCookie: () => undefined },
    }
  }

  function statusOf(method: DescMethod, requestId: string, thrown: unknown): StatusObject {
    const cause = stopping.signal.aborted && (thrown as Error | undefined)?.name === 'AbortError'
    const { error, info } = calls.fail(
      method,
      requestId || uuidv7(),
      cause ? new AppError('unavailable', 'The controller stops.') : thrown,
    )
    const metadata = new Metadata()
    metadata.set('grpc-status-details-bin', statusDetails(errorCodes[error.code].grpc, error.message, info))
    metadata.set('x-request-id', info.requestId)
    return { code: errorCodes[error.code].grpc, details: error.message, metadata }
  }
}

async function write(
  call: ServerWritableStream<Message, Message> | ServerDuplexStream<Message, Message>,
  message: Message,
  signal: AbortSignal,
) {
  signal.throwIfAborted()
  if (!call.write(message)) await once(call, 'drain', { signal })
}

function definitionOf(method: DescMethod): MethodDefinition<Message, Message> {
  const { input, output } = method
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: method.methodKind === 'bidi_streaming' || method.methodKind === 'client_streaming',
    responseStream: method.methodKind === 'bidi_streaming' || method.methodKind === 'server_streaming',
    requestSerialize: (message) => Buffer.from(toBinary(input, message)),
    requestDeserialize: (bytes) => fromBinary(input, bytes),
    responseSerialize: (message) => Buffer.from(toBinary(output, message)),
    responseDeserialize: (bytes) => fromBinary(output, bytes),
    originalName: method.localName,
  }
}

/** google.rpc.Status with one detail, as gRPC clients expect it in the trailer. */
function statusDetails(code: number, message: string, info: ErrorInfo): Buffer {
  const detail = new BinaryWriter()
    .tag(1, WireType.LengthDelimited)
    .string(`type.googleapis.com/${ErrorInfoSchema.typeName}`)
    .tag(2, WireType.LengthDelimited)
    .bytes(toBinary(ErrorInfoSchema, info))
    .finish()
  const status = new BinaryWriter()
    .tag(1, WireType.Varint)
    .int32(code)
    .tag(2, WireType.LengthDelimited)
    .string(message)
    .tag(3, WireType.LengthDelimited)
    .bytes(detail)
    .finish()
  return Buffer.from(status)
}

function reflection(tables: ServiceTable[]): ReflectionService {
  const files = new Map<string, DescFile>()
  const add = (file: DescFile) => {
    if (files.has(file.name)) return
    files.set(file.name, file)
    for (const dependency of file.dependencies) add(dependency)
  }
  for (const { service } of tables) add(service.file)
  const fileDescriptorProtos = [...files.values()].map((file) =>
    Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)),
  )
  return new ReflectionService(
    { ansflow: { format: 'Protocol Buffer 3 DescriptorProto', type: {}, fileDescriptorProtos } },
    { services: tables.map(({ service }) => service.typeName) },
  )
}

/** The library buries the system's error in a text; callers want its code and address. */
function bindError(error: Error, host: string, port: number): Error {
  const code = /\b(EADDRINUSE|EACCES|EADDRNOTAVAIL)\b/.exec(error.message)?.[1]
  return code ? Object.assign(new Error(error.message, { cause: error }), { code, address: host, port }) : error
}
