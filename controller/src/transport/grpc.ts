// The gRPC door: the same handler tables on grpc-js, with reflection and health, and the bidirectional streams.

import { setTimeout as delay } from 'node:timers/promises'
import { stops } from '@ansflow/proto/errors'
import { create, type DescMessage, type DescMethod, type Message } from '@bufbuild/protobuf'
import {
  logVerbosity,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type StatusObject,
  type sendUnaryData,
  setLogVerbosity,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { uuidv7 } from '../platform/ids.ts'
import { prepared } from '../platform/message-pieces.ts'
import type { Admission } from './admission.ts'
import type { BidiHandler, Calls, ServiceTable, StreamHandler, UnaryHandler } from './call.ts'
import { grpcGate } from './grpc-gate.ts'
import {
  type BidiCall,
  definitionOf,
  messagesOf,
  pathOf,
  read,
  type StreamCall,
  type UnaryCall,
  write,
} from './grpc-method.ts'
import { grpcStatus } from './grpc-status.ts'
import { addGrpcTools } from './grpc-tools.ts'
import { type Door, messageLimit } from './http.ts'
import { listen } from './listen.ts'
import { writtenOnce } from './written-once.ts'

/** Time for the last answers to leave. */
const flushMs = 200
/** Calls at the same time on one connection. */
const mostStreams = 1000

export interface GrpcOptions {
  host: string
  port: number
  trustedProxies: string[]
  tables: ServiceTable[]
  calls: Calls
  admission: Admission
  ready: () => Promise<boolean>
}

export async function openGrpc(options: GrpcOptions): Promise<Door> {
  const { host, port, trustedProxies, tables, calls, admission, ready } = options
  const stopping = new AbortController()
  const active = new Set<Promise<void>>()
  const methods = new Map(
    tables.flatMap(({ service }) => service.methods.map((method) => [pathOf(method), method] as const)),
  )
  const gate = grpcGate({ methods, calls, admission, stopping: stopping.signal, statusOf })
  const server = new Server({
    interceptors: [gate.interceptor],
    'grpc.max_receive_message_length': messageLimit,
    'grpc.max_concurrent_streams': mostStreams,
    'grpc.keepalive_time_ms': 20_000,
    'grpc.keepalive_timeout_ms': 10_000,
  })
  for (const { service, handlers } of tables) {
    const definition: Record<string, MethodDefinition<Buffer, Message>> = {}
    const implementation: UntypedServiceImplementation = {}
    for (const method of service.methods) {
      definition[method.localName] = definitionOf(method)
      const handler = handlers[method.localName]
      if (method.methodKind === 'unary') {
        const serve = unary(method, handler as UnaryHandler)
        implementation[method.localName] = (call: UnaryCall, answer: sendUnaryData<Message>) =>
          track(serve(call, answer))
      } else if (method.methodKind === 'server_streaming') {
        const serve = stream(method, handler as StreamHandler)
        implementation[method.localName] = (call: StreamCall) => track(serve(call))
      } else {
        const serve = bidi(method, handler as BidiHandler)
        implementation[method.localName] = (call: BidiCall) => track(serve(call))
      }
    }
    server.addService(definition as ServiceDefinition, implementation)
  }
  addGrpcTools(server, {
    tables,
    ready,
    stopping: stopping.signal,
    statusOf: (error) => statusOf(undefined, '', error),
  })

  // Its own words on the terminal would stand beside our sentence.
  setLogVerbosity(logVerbosity.NONE)
  const { injectConnection } = server.createConnectionInjector(ServerCredentials.createInsecure())
  const listening = await listen({ host, port, trustedProxies }, injectConnection)
  return {
    address: `${host.includes(':') ? `[${host}]` : host}:${listening.port}`,
    async stop(graceMs) {
      stopping.abort(stops())
      const deadline = new AbortController()
      const wait = (ms: number) => delay(ms, undefined, { signal: deadline.signal }).catch(() => undefined)
      await Promise.race([
        // The library's own word comes too early for connections that it did not accept itself.
        Promise.all([listening.close(), new Promise<void>((resolve) => server.tryShutdown(() => resolve()))]),
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
    return async (call: UnaryCall, answer: sendUnaryData<Message>) => {
      const { call: begun } = gate.begun(call.metadata)
      const { requestId } = begun
      try {
        const reply = await begun.answer(read(method.input, call.request), handler)
        const message = create(method.output, reply)
        answer(null, await writtenOnce(message, 'bytes', () => prepared(method.output, message)))
      } catch (error) {
        answer(statusOf(method, requestId, error))
      }
    }
  }

  function stream(method: DescMethod, handler: StreamHandler) {
    return async (call: StreamCall) => {
      const { call: begun } = gate.begun(call.metadata)
      const { requestId } = begun
      try {
        const { signal, messages } = begun.answers(read(method.input, call.request), handler)
        for await (const reply of messages) {
          await write(call, await prepared(method.output, create(method.output, reply)), signal)
        }
        call.end()
      } catch (error) {
        call.emit('error', statusOf(method, requestId, error))
      }
    }
  }

  function bidi(method: DescMethod, handler: BidiHandler) {
    return async (call: BidiCall) => {
      const { call: begun } = gate.begun(call.metadata)
      const { requestId } = begun
      // An aborted read must not bring the process down; the handler learns of it through its signal.
      call.on('error', () => undefined)
      try {
        await begun.converse(handler, (signal) => ({
          messages: messagesOf(method.input, call),
          send: (reply) => write(call, create(method.output as DescMessage, reply), signal),
        }))
        call.end()
      } catch (error) {
        call.emit('error', statusOf(method, requestId, error))
      }
    }
  }

  function statusOf(method: DescMethod | undefined, requestId: string, thrown: unknown): StatusObject {
    return grpcStatus(calls.fail(method, requestId || uuidv7(), thrown))
  }
}
