// Errors that the Connect protocol itself answers (unknown field, wrong type, too large) get the same detail as ours.
import { ErrorInfoSchema } from '@ansflow/proto/gen/ansflow/v1/errors_pb'
import { create, toBinary, toJson } from '@bufbuild/protobuf'
import type { ConnectRouter } from '@connectrpc/connect'
import type { UniversalServerResponse } from '@connectrpc/connect/protocol'
import { uuidv7 } from '../platform/ids.ts'

interface WireError {
  code?: string
  message?: string
  details?: unknown[]
}

/** Wraps every handler that the router has so far. */
export function answerProtocolErrors(router: ConnectRouter): void {
  for (const [index, handler] of router.handlers.entries()) {
    router.handlers[index] = Object.assign(
      async (request: Parameters<typeof handler>[0]) => complete(await handler(request)),
      handler,
    )
  }
}

async function complete(response: UniversalServerResponse): Promise<UniversalServerResponse> {
  const header = new Headers(response.header)
  if (response.status === 200 || header.get('content-type') !== 'application/json' || !response.body) return response
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) chunks.push(chunk)
  const text = Buffer.concat(chunks)
  const error = JSON.parse(text.toString('utf8')) as WireError
  if (error.details?.length) return { ...response, body: once(text) }
  header.delete('content-length')
  return { ...response, header, body: once(Buffer.from(JSON.stringify(withInfo(error)))) }
}

function withInfo(error: WireError): WireError {
  const message = error.message ?? ''
  const tooLarge = error.code === 'resource_exhausted'
  const field = /(?:key|field) "?[\w.]*?\.?(\w+)"?[: ]/.exec(message)?.[1] ?? ''
  const info = create(ErrorInfoSchema, {
    code: error.code ?? 'unknown',
    reason: tooLarge ? 'too_large' : 'malformed',
    requestId: uuidv7(),
    violations: error.code === 'invalid_argument' ? [{ field, message }] : [],
  })
  const value = Buffer.from(toBinary(ErrorInfoSchema, info)).toString('base64').replace(/=+$/, '')
  return { ...error, details: [{ type: ErrorInfoSchema.typeName, value, debug: toJson(ErrorInfoSchema, info) }] }
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes
}
