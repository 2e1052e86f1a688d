// Owns the wire: AgentLinkService spoken by grpc-js with protobuf-es messages. Nothing else in the agent sees grpc-js.
import { readFileSync } from 'node:fs'
import {
  type ControlRequest,
  type ControlRequestSchema,
  type ControlResponse,
  ControlResponseSchema,
  type LogsRequest,
  type LogsResponse,
  type RegisterRequest,
  type RegisterRequestSchema,
  type RegisterResponse,
  AgentLinkService as service,
} from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf'
import { type ChannelCredentials, Client, credentials, Metadata, status } from '@grpc/grpc-js'
import { ExitError } from '../exit.ts'

/**
 * Why a call ended. Three are final: `refused` (the token or the identity is worth nothing), `rejected` (what the agent says of
 * itself cannot be taken), `inUse` (another process speaks for this agent). `superseded`: a newer connection does; the next try
 * tells whose.
 */
export class LinkError extends Error {
  readonly kind: 'refused' | 'rejected' | 'inUse' | 'superseded' | 'unreachable' | 'failed'
  constructor(kind: LinkError['kind'], message: string) {
    super(message)
    this.name = 'LinkError'
    this.kind = kind
  }
}

/** One open stream. After `onClose` nothing more comes and `send` does nothing. */
export interface Pipe<Out> {
  /** False when the transport is full: wait for `drained` before sending more. */
  send(message: Out): boolean
  drained(): Promise<void>
  close(): void
}
export interface PipeEvents<In> {
  onMessage(message: In): void
  onClose(error: LinkError | undefined): void
}

export type ControlMessage = MessageInitShape<typeof ControlRequestSchema>
export type LogsMessage = MessageInitShape<(typeof service.method.logs)['input']>

export interface Target {
  /** host:port */
  address: string
  tls: boolean
  loopback: boolean
}

/** `https://` and `grpcs://` mean TLS, `http://` and `grpc://` plaintext; without a scheme TLS unless the host is this one. */
export function parseTarget(url: string): Target {
  const match = /^(?:(https|grpcs|http|grpc):\/\/)?(\[[0-9a-fA-F:.]+\]|[^/:@\s]+):(\d{1,5})\/?$/.exec(url)
  if (!match)
    throw new ExitError(
      'usage',
      `The controller's address must look like host:port or https://host:port, not "${url}".`,
    )
  const [, scheme, host = '', port = ''] = match
  const loopback = host === 'localhost' || host === '[::1]' || /^127\./.test(host)
  const tls = scheme === 'https' || scheme === 'grpcs' || (scheme === undefined && !loopback)
  return { address: `${host}:${port}`, tls, loopback }
}

export interface LinkClient {
  register(request: MessageInitShape<typeof RegisterRequestSchema>): Promise<RegisterResponse>
  control(secret: string, events: PipeEvents<ControlResponse>): Pipe<ControlMessage>
  logs(secret: string, events: PipeEvents<LogsResponse>): Pipe<LogsMessage>
  close(): void
}

const MAX_MESSAGE = 64 * 1024 * 1024

/** A client with a TCP connection of its own: control and logs each get one, so that logs never hold up a heartbeat. */
export function createLinkClient(target: Target, caFile: string): LinkClient {
  const client = new Client(target.address, channelCredentials(target, caFile), {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_receive_message_length': MAX_MESSAGE,
    'grpc.max_send_message_length': MAX_MESSAGE,
    'grpc.keepalive_time_ms': 20_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.enable_retries': 0,
    // A proxy of the host's leads to other hosts, not back to this one.
    'grpc.enable_http_proxy': target.loopback ? 0 : 1,
  })
  const path = (method: { name: string }) => `/${service.typeName}/${method.name}`

  function open<I extends DescMessage, O extends DescMessage>(
    method: { name: string; input: I; output: O },
    secret: string,
    events: PipeEvents<MessageShape<O>>,
  ): Pipe<MessageInitShape<I>> {
    const metadata = new Metadata()
    metadata.set('authorization', `Bearer ${secret}`)
    const call = client.makeBidiStreamRequest<MessageShape<I>, MessageShape<O>>(
      path(method),
      (message) => asBuffer(toBinary(method.input, message)),
      (bytes) => fromBinary(method.output, bytes),
      metadata,
    )
    let closed = false
    let wakeWriters: (() => void)[] = []
    const flushWriters = () => {
      for (const wake of wakeWriters.splice(0)) wake()
    }
    const end = (error: LinkError | undefined) => {
      if (closed) return
      closed = true
      flushWriters()
      events.onClose(error)
    }
    call.on('data', (message: MessageShape<O>) => {
      if (!closed) events.onMessage(message)
    })
    call.on('drain', flushWriters)
    call.on('error', (error: Error & { code?: number; details?: string }) => end(toLinkError(error)))
    call.on('end', () => end(undefined))
    return {
      send: (message) => closed || call.write(create(method.input, message)),
      drained: () => (closed ? Promise.resolve() : new Promise((resolve) => wakeWriters.push(resolve))),
      close() {
        closed = true
        flushWriters()
        wakeWriters = []
        call.cancel()
      },
    }
  }

  return {
    register: (request) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest<RegisterRequest, RegisterResponse>(
          path(service.method.register),
          (message) => asBuffer(toBinary(service.method.register.input, message)),
          (bytes) => fromBinary(service.method.register.output, bytes),
          create(service.method.register.input, request),
          new Metadata(),
          { deadline: Date.now() + 15_000 },
          (error, response) => (error ? reject(toLinkError(error)) : resolve(response!)),
        )
      }),
    control: (secret, events) => open(service.method.control, secret, events),
    logs: (secret, events) => open(service.method.logs, secret, events),
    close: () => client.close(),
  }
}

function channelCredentials(target: Target, caFile: string): ChannelCredentials {
  if (!target.tls) return credentials.createInsecure()
  if (!caFile) return credentials.createSsl()
  try {
    return credentials.createSsl(readFileSync(caFile))
  } catch (error) {
    throw new ExitError('usage', `The CA file cannot be read: ${(error as Error).message}.`)
  }
}

/** The same bytes, not a copy. */
function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

function toLinkError(error: Error & { code?: number; details?: string }): LinkError {
  const text = error.details || error.message
  if (error.code === status.UNAUTHENTICATED || error.code === status.PERMISSION_DENIED)
    return new LinkError('refused', text)
  if (error.code === status.INVALID_ARGUMENT || error.code === status.FAILED_PRECONDITION)
    return new LinkError('rejected', text)
  if (error.code === status.ALREADY_EXISTS) return new LinkError('inUse', text)
  if (error.code === status.ABORTED) return new LinkError('superseded', text)
  if (error.code === status.UNAVAILABLE || error.code === status.DEADLINE_EXCEEDED)
    return new LinkError('unreachable', text)
  return new LinkError('failed', text)
}

export type { ControlRequest, ControlResponse, LogsRequest, LogsResponse }
export { ControlResponseSchema }
