// Bodies in the binary format over HTTP: their values are counted before the library makes messages of them, as gRPC's are.
import { promisify } from 'node:util'
import { brotliDecompress, gunzip } from 'node:zlib'
import { type AppError, errorCodes } from '@ansflow/proto/errors'
import type { DescMethod } from '@bufbuild/protobuf'
import { type Code, ConnectError } from '@connectrpc/connect'
import type { UniversalServerRequest } from '@connectrpc/connect/protocol'
import { requestLimit } from './admission.ts'
import { accessOf } from './call.ts'
import { refuseManyValues } from './request-values.ts'

const unpack: Record<string, (packed: Uint8Array, options: { maxOutputLength: number }) => Promise<Uint8Array>> = {
  gzip: promisify(gunzip),
  br: promisify(brotliDecompress),
}
const frameHead = 5

/** Read only when the library asks for it: who calls is known by then. */
export function countedBody(
  method: DescMethod,
  { body, header }: UniversalServerRequest,
): UniversalServerRequest['body'] {
  const type = header.get('content-type') ?? ''
  if (!isStream(body) || !/^application\/(proto|connect\+proto|grpc-web)/.test(type)) return body
  return counted(method, body, header, type !== 'application/proto')
}

async function* counted(
  method: DescMethod,
  body: AsyncIterable<Uint8Array>,
  header: Headers,
  isFramed: boolean,
): AsyncIterable<Uint8Array> {
  const most = requestLimit(method, accessOf(method)) + frameHead
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    // Too large as a whole, which the library says without reading on.
    if (size <= most) chunks.push(chunk)
    else {
      yield* chunks.splice(0)
      yield chunk
    }
  }
  const bytes = Buffer.concat(chunks)
  const message = isFramed ? bytes.subarray(frameHead) : bytes
  const isPacked = isFramed ? ((bytes[0] ?? 0) & 1) === 1 : header.has('content-encoding')
  refuse(method, isPacked ? await unpacked(message, encodingOf(header), most) : message)
  yield bytes
}

function refuse(method: DescMethod, message: Uint8Array): void {
  try {
    refuseManyValues(method.input, message)
  } catch (error) {
    const { code, message: text } = error as AppError
    throw new ConnectError(text, errorCodes[code].grpc as Code)
  }
}

function encodingOf(header: Headers): string {
  const names = ['connect-content-encoding', 'grpc-encoding', 'content-encoding']
  return names.map((name) => header.get(name)).find((value) => value !== null) ?? ''
}

/** What cannot be unpacked, or is larger then than it may be, is for the library to refuse. */
async function unpacked(packed: Uint8Array, encoding: string, most: number): Promise<Uint8Array> {
  const none = new Uint8Array()
  return (await unpack[encoding]?.(packed, { maxOutputLength: most }).catch(() => none)) ?? none
}

function isStream(body: UniversalServerRequest['body']): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body
}
