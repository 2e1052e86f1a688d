// Calls any rpc through either door and tells how it ended, for tests that walk over all of them.

import { type ErrorCode, errorCodes } from '@ansflow/proto/errors'
import { ErrorInfoSchema } from '@ansflow/proto/gen/ansflow/v1/errors_pb'
import { type DescMessage, type DescMethod, fromBinary, fromJson, type JsonObject } from '@bufbuild/protobuf'
import { BinaryReader } from '@bufbuild/protobuf/wire'
import type { ServiceError } from '@grpc/grpc-js'
import type { TestController } from './start-controller.ts'

export interface Ending {
  code: ErrorCode | 'ok'
  reason: string
  /** Of the resource the answer says does not exist. */
  id: string
  message: string
}

const words = new Map(Object.entries(errorCodes).map(([code, { grpc }]) => [grpc, code as ErrorCode]))

export async function callHttp(
  c: TestController,
  method: DescMethod,
  request: JsonObject,
  token?: string,
  headers: Record<string, string> = {},
): Promise<Ending> {
  const streaming = method.methodKind !== 'unary'
  const body = JSON.stringify(request)
  const cancel = new AbortController()
  const response = await fetch(`${c.url}/api/${method.parent.typeName}/${method.name}`, {
    method: 'POST',
    signal: cancel.signal,
    headers: {
      'content-type': streaming ? 'application/connect+json' : 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: streaming ? envelope(body) : body,
  })
  if (!streaming) return ending(response.status === 200 ? undefined : ((await response.json()) as WireError))
  // One message, or the end of the stream with its error, tells enough.
  const reader = response.body?.getReader()
  let bytes = Buffer.alloc(0)
  try {
    for (;;) {
      const part = await reader?.read()
      if (part?.value) bytes = Buffer.concat([bytes, part.value])
      const size = bytes.length >= 5 ? bytes.readUInt32BE(1) : undefined
      if (size !== undefined && bytes.length >= 5 + size) {
        const isEnd = ((bytes[0] ?? 0) & 2) === 2
        const message = JSON.parse(bytes.subarray(5, 5 + size).toString('utf8')) as { error?: WireError }
        return ending(isEnd ? message.error : undefined)
      }
      if (!part || part.done) return ending(undefined)
    }
  } finally {
    cancel.abort()
  }
}

export async function callGrpc(
  c: TestController,
  method: DescMethod,
  request: JsonObject,
  token?: string,
): Promise<Ending> {
  const client = c.grpcClient(method.parent, token) as Record<string, (request: unknown) => unknown>
  const message = fromJson(method.input as DescMessage, request)
  try {
    const call = client[method.localName]?.(message)
    if (method.methodKind === 'unary') await call
    else if (method.methodKind === 'server_streaming') for await (const _ of call as AsyncIterable<unknown>) break
    else {
      const bidi = call as { end(): void; messages: AsyncIterable<unknown> }
      bidi.end()
      for await (const _ of bidi.messages) break
    }
    return ending(undefined)
  } catch (error) {
    const { code, details, metadata } = error as ServiceError
    const info = fromStatus(metadata.get('grpc-status-details-bin')[0] as Buffer | undefined)
    return {
      code: words.get(code) ?? 'internal',
      reason: info?.reason ?? '',
      id: info?.params.id ?? '',
      message: details,
    }
  }
}

interface WireError {
  code: ErrorCode
  message?: string
  details?: { value: string }[]
}

function ending(error: WireError | undefined): Ending {
  if (!error) return { code: 'ok', reason: '', id: '', message: '' }
  const value = error.details?.[0]?.value
  const info = value === undefined ? undefined : fromBinary(ErrorInfoSchema, Buffer.from(value, 'base64'))
  return { code: error.code, reason: info?.reason ?? '', id: info?.params.id ?? '', message: error.message ?? '' }
}

/** The ErrorInfo inside a google.rpc.Status. */
export function fromStatus(bytes: Buffer | undefined) {
  if (!bytes) return undefined
  const any = field(bytes, 3)
  const value = any && field(any, 2)
  return value && fromBinary(ErrorInfoSchema, value)
}

function field(bytes: Uint8Array, wanted: number): Uint8Array | undefined {
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag()
    if (number === wanted) return reader.bytes()
    reader.skip(type)
  }
  return undefined
}

function envelope(body: string): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.from(body)
  const head = Buffer.alloc(5)
  head.writeUInt32BE(bytes.length, 1)
  return new Uint8Array(Buffer.concat([head, bytes]))
}
