// Answers with very many entries are written in turns of the event loop, in every protocol that unary calls come in: as bytes
// before the library gets them, as JSON after it has written an empty one in their place.
import { create, type DescMethod, type Message } from '@bufbuild/protobuf'
import { type ConnectRouter, createContextKey, type HandlerContext } from '@connectrpc/connect'
import type { UniversalServerResponse } from '@connectrpc/connect/protocol'
import { compressionGzip } from '@connectrpc/connect-node'
import { isLarge, prepared, writingJson } from '../platform/message-pieces.ts'
import { inTurns } from '../platform/turns.ts'
import { writtenOnce } from './written-once.ts'

const largeKey = createContextKey<Message | undefined>(undefined)

/** What the library is to write. */
export async function leaveLarge(
  { method, responseHeader, values }: HandlerContext,
  answer: Message,
): Promise<Message> {
  const type = responseHeader.get('content-type') ?? ''
  if (!isLarge(method.output, answer)) return answer
  if (!type.includes('json')) return writtenOnce(answer, 'bytes', () => prepared(method.output, answer))
  // In a frame of gRPC-Web, where JSON is hardly ever asked for, it is the library's.
  if (type !== 'application/json') return answer
  values.set(largeKey, answer)
  return create(method.output)
}

/** Wraps every handler that the router has so far. */
export function writeLargeAnswers(router: ConnectRouter): void {
  for (const [index, handler] of router.handlers.entries()) {
    router.handlers[index] = Object.assign(async (request: Parameters<typeof handler>[0]) => {
      const response = await handler(request)
      const answer = response.status === 200 ? request.contextValues?.get(largeKey) : undefined
      return answer ? written(handler.method, answer, request.header, response) : response
    }, handler)
  }
}

async function written(
  method: DescMethod,
  answer: Message,
  asked: Headers,
  response: UniversalServerResponse,
): Promise<UniversalServerResponse> {
  const json = () => inTurns(writingJson(method.output, answer)).then((text) => Buffer.from(text))
  let body: Uint8Array = await writtenOnce(answer, 'json', json)
  const header = new Headers(response.header)
  if (/\bgzip\b/.test(asked.get('accept-encoding') ?? '')) {
    const plain = body
    body = await writtenOnce(answer, 'gzip', () => compressionGzip.compress(plain))
    header.set('content-encoding', compressionGzip.name)
  }
  header.set('content-length', String(body.length))
  return { ...response, header, body: once(body) }
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes
}
