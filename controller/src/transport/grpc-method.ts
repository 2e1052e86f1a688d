// A method as grpc-js wants it described. Requests come as bytes: those that are no message are answered in our words, not in
// the library's.
import { once } from 'node:events'
import { invalid } from '@ansflow/proto/errors'
import {
  type DescMessage,
  type DescMethod,
  fromBinary,
  type Message,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf'
import type { MethodDefinition, ServerDuplexStream, ServerUnaryCall, ServerWritableStream } from '@grpc/grpc-js'
import { refuseManyValues } from './request-values.ts'

export type UnaryCall = ServerUnaryCall<Buffer, Message>
export type StreamCall = ServerWritableStream<Buffer, Message>
export type BidiCall = ServerDuplexStream<Buffer, Message>

export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`
}

export function definitionOf(method: DescMethod, path = pathOf(method)): MethodDefinition<Buffer, Message> {
  const { output } = method
  return {
    path,
    requestStream: method.methodKind === 'bidi_streaming' || method.methodKind === 'client_streaming',
    responseStream: method.methodKind === 'bidi_streaming' || method.methodKind === 'server_streaming',
    requestSerialize: (bytes) => bytes,
    requestDeserialize: (bytes) => bytes,
    responseSerialize: (message) => Buffer.from(toBinary(output, message)),
    responseDeserialize: (bytes) => fromBinary(output, bytes),
    originalName: method.localName,
  }
}

export function read<T extends DescMessage>(input: T, bytes: Buffer): MessageShape<T> {
  refuseManyValues(input, bytes)
  try {
    return fromBinary(input, bytes, { readUnknownFields: false })
  } catch (error) {
    throw invalid(
      [{ field: '', message: `The request is not a ${input.name}: ${(error as Error).message}` }],
      'malformed',
    )
  }
}

export async function* messagesOf<T extends DescMessage>(input: T, call: BidiCall): AsyncGenerator<MessageShape<T>> {
  // Without this option, reading to the end destroys the whole call and what is still to be sent is lost.
  for await (const bytes of call.iterator({ destroyOnReturn: false })) yield read(input, bytes as Buffer)
}

/** Resolves when the stream can take more. */
export async function write(call: StreamCall | BidiCall, message: Message, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  if (call.write(message)) return
  await once(call, 'drain', { signal }).catch((error: unknown) => {
    throw signal.aborted ? signal.reason : error
  })
}
