// A typed gRPC client for tests, made from a service's descriptor.
import {
  create,
  type DescMessage,
  type DescMethodBiDiStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
  fromBinary,
  type Message,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf'
import { Client, type ClientDuplexStream, credentials, Metadata } from '@grpc/grpc-js'

export type GrpcClient<S extends DescService> = {
  [M in keyof S['method']]: S['method'][M] extends DescMethodUnary<infer I, infer O>
    ? (request: MessageInitShape<I>) => Promise<MessageShape<O>>
    : S['method'][M] extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageInitShape<I>) => AsyncIterable<MessageShape<O>> & { cancel(): void }
      : S['method'][M] extends DescMethodBiDiStreaming<infer I, infer O>
        ? () => BidiCall<MessageInitShape<I>, MessageShape<O>>
        : never
}

export interface BidiCall<I, O> {
  send(message: I): void
  end(): void
  cancel(): void
  messages: AsyncIterable<O>
}

const begun = new Map<string, number>()

/** An earlier server at the same address may have left a connection that failed: it is not used for this one. */
export function serverBegins(address: string): void {
  begun.set(address, (begun.get(address) ?? 0) + 1)
}

export function grpcClient<S extends DescService>(
  service: S,
  address: string,
  token?: string,
): { client: GrpcClient<S>; close(): void } {
  // Clients that name themselves alike share a connection.
  const name = `server-${begun.get(address) ?? 0}`
  const channel = new Client(address, credentials.createInsecure(), { 'grpc.primary_user_agent': name })
  const metadata = new Metadata()
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`)
  const methods: Record<string, unknown> = {}
  for (const method of service.methods) {
    const path = `/${service.typeName}/${method.name}`
    const write = (message: Message) => Buffer.from(toBinary(method.input as DescMessage, message))
    const read = (bytes: Buffer) => fromBinary(method.output as DescMessage, bytes)
    const make = (request: object) => create(method.input as DescMessage, request as never)
    if (method.methodKind === 'unary') {
      methods[method.localName] = (request: object) =>
        new Promise((resolve, reject) => {
          channel.makeUnaryRequest(path, write, read, make(request), metadata, (error, reply) =>
            error ? reject(error) : resolve(reply),
          )
        })
    } else if (method.methodKind === 'server_streaming') {
      methods[method.localName] = (request: object) =>
        channel.makeServerStreamRequest(path, write, read, make(request), metadata)
    } else {
      methods[method.localName] = () => {
        const call: ClientDuplexStream<Message, Message> = channel.makeBidiStreamRequest(path, write, read, metadata)
        call.on('error', () => undefined)
        return {
          send: (message: object) => call.write(make(message)),
          end: () => call.end(),
          cancel: () => call.cancel(),
          messages: { [Symbol.asyncIterator]: () => call.iterator({ destroyOnReturn: false }) },
        }
      }
    }
  }
  return { client: methods as GrpcClient<S>, close: () => channel.close() }
}
