// Errors that the Connect protocol itself answers (unknown field, wrong type, too large) get the same detail as ours.
import { promisify } from 'node:util'
import { brotliDecompress, gunzip } from 'node:zlib'
import { type AppError, errorCodes } from '@ansflow/proto/errors'
import { type ErrorInfo, ErrorInfoSchema } from '@ansflow/proto/gen/ansflow/v1/errors_pb'
import { create, toBinary, toJson } from '@bufbuild/protobuf'
import type { ConnectRouter } from '@connectrpc/connect'
import type { UniversalServerResponse } from '@connectrpc/connect/protocol'
import { uuidv7 } from '../platform/ids.ts'
import { boundDeadline } from './connect-deadline.ts'
import { errorAnswer } from './error-info.ts'

interface WireError {
  code?: string
  message?: string
  details?: unknown[]
}

/** A failed call's JSON in the Connect protocol. */
export function connectErrorJson(error: AppError, requestId: string): WireError {
  const { message, info } = errorAnswer(error, requestId)
  return { code: error.code, message, details: [detail(info)] }
}

/** Wraps every handler that the router has so far. */
export function answerProtocolErrors(router: ConnectRouter): void {
  for (const [index, handler] of router.handlers.entries()) {
    router.handlers[index] = Object.assign(async (request: Parameters<typeof handler>[0]) => {
      boundDeadline(request.header)
      return complete(await handler(request))
    }, handler)
  }
}

const unpack: Record<string, (packed: Uint8Array) => Promise<Buffer>> = {
  gzip: promisify(gunzip),
  br: promisify(brotliDecompress),
}

async function complete(response: UniversalServerResponse): Promise<UniversalServerResponse> {
  const header = new Headers(response.header)
  if (response.status === 200 || header.get('content-type') !== 'application/json' || !response.body) return response
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  const text = (await unpack[header.get('content-encoding') ?? '']?.(bytes)) ?? bytes
  const error = JSON.parse(text.toString('utf8')) as WireError
  if (error.details?.length) return { ...response, body: once(bytes) }
  header.delete('content-length')
  header.delete('content-encoding')
  // Bytes that are no message count as a failure of the server there; they are the caller's.
  const isBroken = error.code === 'internal' && error.message?.startsWith('parse binary: ')
  const status = isBroken ? errorCodes.invalid_argument.http : response.status
  const info = withInfo(isBroken ? { ...error, code: 'invalid_argument' } : error)
  return { ...response, status, header, body: once(Buffer.from(JSON.stringify(info))) }
}

function withInfo(error: WireError): WireError {
  const message = (error.message ?? '').slice(0, 500)
  const tooLarge = error.code === 'resource_exhausted'
  const field = /(?:key|field) "?[\w.]*?\.?(\w+)"?[: ]/.exec(message)?.[1] ?? ''
  const info = create(ErrorInfoSchema, {
    code: error.code ?? 'unknown',
    reason: tooLarge ? 'too_large' : 'malformed',
    requestId: uuidv7(),
    violations: error.code === 'invalid_argument' ? [{ field, message }] : [],
  })
  return { ...error, message, details: [detail(info)] }
}

function detail(info: ErrorInfo) {
  const value = Buffer.from(toBinary(ErrorInfoSchema, info)).toString('base64').replace(/=+$/, '')
  return { type: ErrorInfoSchema.typeName, value, debug: toJson(ErrorInfoSchema, info) }
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes
}
