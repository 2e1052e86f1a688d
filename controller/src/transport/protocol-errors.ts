// Errors that the Connect library answers by itself (unknown field, wrong type, too large, wrong method or content type) get
// a body and the same details as ours, in whichever of its protocols.
import { promisify } from 'node:util'
import { brotliDecompress, gunzip } from 'node:zlib'
import { AppError, errorCodes } from '@ansflow/proto/errors'
import { type ErrorInfo, ErrorInfoSchema } from '@ansflow/proto/gen/ansflow/v1/errors_pb'
import { create, type DescMethod } from '@bufbuild/protobuf'
import { type Code, ConnectError, type ConnectRouter } from '@connectrpc/connect'
import type { UniversalServerResponse } from '@connectrpc/connect/protocol'
import { endStreamFlag } from '@connectrpc/connect/protocol-connect'
import { findTrailerError, setTrailerStatus } from '@connectrpc/connect/protocol-grpc'
import { trailerFlag, trailerParse, trailerSerialize } from '@connectrpc/connect/protocol-grpc-web'
import { uuidv7 } from '../platform/ids.ts'
import { boundDeadline } from './connect-deadline.ts'
import { connectErrorJson, type WireError, wireDetails } from './connect-errors.ts'
import { detailsOf } from './error-details.ts'
import { errorAnswer } from './error-info.ts'
import { countedBody } from './request-body.ts'

/** Wraps every handler that the router has so far. */
export function answerProtocolErrors(router: ConnectRouter): void {
  for (const [index, handler] of router.handlers.entries()) {
    router.handlers[index] = Object.assign(async (request: Parameters<typeof handler>[0]) => {
      boundDeadline(request.header)
      const body = countedBody(handler.method, request)
      return complete(handler.method, await handler({ ...request, body }))
    }, handler)
  }
}

async function complete(method: DescMethod, response: UniversalServerResponse): Promise<UniversalServerResponse> {
  const header = new Headers(response.header)
  const type = header.get('content-type') ?? ''
  if (response.status !== 200) {
    if (!response.body) return refused(method, response)
    return type === 'application/json' ? completeUnary(response, header) : response
  }
  if (type.startsWith('application/connect+')) return completeStream(response, completeEnd)
  return type.startsWith('application/grpc-web') ? completeStream(response, completeTrailer) : response
}

const unpack: Record<string, (packed: Uint8Array) => Promise<Buffer>> = {
  gzip: promisify(gunzip),
  br: promisify(brotliDecompress),
}

async function completeUnary(response: UniversalServerResponse, header: Headers): Promise<UniversalServerResponse> {
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  const text = (await unpack[header.get('content-encoding') ?? '']?.(bytes)) ?? bytes
  const error = JSON.parse(text.toString('utf8')) as WireError
  if (error.details?.length) return { ...response, body: once(bytes) }
  header.delete('content-length')
  header.delete('content-encoding')
  const completed = withDetails(error)
  const status = completed.code === error.code ? response.status : errorCodes.invalid_argument.http
  return { ...response, status, header, body: once(Buffer.from(JSON.stringify(completed))) }
}

/** These errors come instead of the first message, so that the first piece tells. */
async function completeStream(
  response: UniversalServerResponse,
  completeFrame: (frame: Buffer) => Buffer | undefined,
): Promise<UniversalServerResponse> {
  const pieces = (response.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
  let first: IteratorResult<Uint8Array> | undefined = await pieces.next()
  if (!first.done) first = { value: completeFrame(Buffer.from(first.value)) ?? first.value }
  const body: AsyncIterator<Uint8Array> = {
    next() {
      const next = first ? Promise.resolve(first) : pieces.next()
      first = undefined
      return next
    },
    ...(pieces.throw && { throw: pieces.throw.bind(pieces) }),
    ...(pieces.return && { return: pieces.return.bind(pieces) }),
  }
  return { ...response, body: { [Symbol.asyncIterator]: () => body } }
}

const frameHead = 5

function completeEnd(frame: Buffer): Buffer | undefined {
  if (((frame[0] ?? 0) & endStreamFlag) === 0) return undefined
  const end = JSON.parse(frame.subarray(frameHead).toString('utf8')) as { error?: WireError }
  if (!end.error || end.error.details?.length) return undefined
  return framed(endStreamFlag, Buffer.from(JSON.stringify({ ...end, error: withDetails(end.error) })))
}

function completeTrailer(frame: Buffer): Buffer | undefined {
  if (((frame[0] ?? 0) & trailerFlag) === 0) return undefined
  const trailer = trailerParse(frame.subarray(frameHead))
  const error = findTrailerError(trailer)
  if (!error || error.details.length > 0) return undefined
  const { code, message, info } = explained({ code: codeWord(error.code), message: error.rawMessage })
  const details = detailsOf(info) as ConstructorParameters<typeof ConnectError>[3]
  setTrailerStatus(trailer, new ConnectError(message, errorCodes[code].grpc as Code, undefined, details))
  return framed(trailerFlag, Buffer.from(trailerSerialize(trailer)))
}

function framed(flags: number, data: Buffer): Buffer {
  const head = Buffer.alloc(frameHead)
  head.writeUInt8(flags)
  head.writeUInt32BE(data.length, 1)
  return Buffer.concat([head, data])
}

type Word = keyof typeof errorCodes

function codeWord(code: number): Word {
  return (Object.keys(errorCodes) as Word[]).find((word) => errorCodes[word].grpc === code) ?? 'internal'
}

function withDetails(error: WireError): WireError {
  const { code, message, info } = explained(error)
  return { ...error, code, message, details: wireDetails(info) }
}

function explained(error: WireError): { code: Word; message: string; info: ErrorInfo } {
  const message = (error.message ?? '').slice(0, 500)
  // Bytes that are no message count as a failure of the server there; they are the caller's.
  const isBroken = error.code === 'internal' && message.startsWith('parse binary: ')
  const code = isBroken ? 'invalid_argument' : ((error.code ?? 'internal') as Word)
  const field = /(?:key|field) "?[\w.]*?\.?(\w+)"?[: ]/.exec(message)?.[1] ?? ''
  const info = create(ErrorInfoSchema, {
    code,
    reason: code === 'resource_exhausted' ? 'too_large' : 'malformed',
    requestId: uuidv7(),
    violations: code === 'invalid_argument' ? [{ field, message }] : [],
  })
  return { code, message, info }
}

/** A wrong method or content type, with a word on the right one. */
function refused(method: DescMethod, response: UniversalServerResponse): UniversalServerResponse {
  const isStream = method.methodKind !== 'unary'
  const types = isStream
    ? 'application/connect+json, application/connect+proto (messages in envelopes, as Connect clients send them)'
    : 'application/json, application/proto'
  const message = `${method.name} is called with POST and a content-type of ${types}, or application/grpc-web; over gRPC on its own port.`
  const reason = response.status === 405 ? 'method_not_allowed' : 'unsupported_media_type'
  const code = response.status === 405 ? 'unimplemented' : 'invalid_argument'
  const answer = errorAnswer(new AppError(code, message, { reason }), uuidv7())
  const header = new Headers(response.header)
  header.set('content-type', 'application/json')
  if (response.status === 405) header.set('allow', 'POST')
  return { ...response, header, body: once(Buffer.from(JSON.stringify(connectErrorJson(code, answer)))) }
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes
}
