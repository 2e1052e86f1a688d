// Binary requests over HTTP that are many values in few bytes, however they are packed.
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { create, toBinary } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startController, type TestController } from './start-controller.ts'

let c: TestController
beforeAll(async () => {
  c = await startController()
})
afterAll(() => c[Symbol.asyncDispose]())

const { validatePipeline } = PipelineService.method
const usual = toBinary(validatePipeline.input, create(validatePipeline.input, { yaml: 'name: p\nsteps: {}\n' }))
const crowded = Buffer.alloc(1024 * 1024)
for (let at = 0; at < crowded.length; at += 2) crowded[at] = (validatePipeline.input.field.yaml.number << 3) | 2

function framed(flags: number, message: Uint8Array): Buffer {
  const head = Buffer.from([flags, 0, 0, 0, 0])
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

const forms: Record<string, { headers: Record<string, string>; pack: (message: Uint8Array) => Uint8Array }> = {
  plain: { headers: { 'content-type': 'application/proto' }, pack: (message) => message },
  gzip: { headers: { 'content-type': 'application/proto', 'content-encoding': 'gzip' }, pack: (m) => gzipSync(m) },
  brotli: {
    headers: { 'content-type': 'application/proto', 'content-encoding': 'br' },
    pack: (m) => brotliCompressSync(m),
  },
  'gRPC-Web': { headers: { 'content-type': 'application/grpc-web+proto' }, pack: (m) => framed(0, m) },
  'gRPC-Web, packed': {
    headers: { 'content-type': 'application/grpc-web+proto', 'grpc-encoding': 'gzip' },
    pack: (m) => framed(1, gzipSync(m)),
  },
}

/** The code's word, or "ok", and the reason. */
async function answer(form: keyof typeof forms, message: Uint8Array): Promise<string> {
  const { headers, pack } = forms[form]!
  const response = await fetch(`${c.url}/api/${validatePipeline.parent.typeName}/${validatePipeline.name}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${c.owner.token}`, ...headers },
    body: Buffer.from(pack(message)),
  })
  const body = Buffer.from(await response.arrayBuffer()).toString('latin1')
  const status = response.headers.get('grpc-status') ?? /grpc-status: ?(\d+)/.exec(body)?.[1]
  if (headers['content-type'] === 'application/proto') return response.status === 200 ? 'ok' : JSON.parse(body).code
  return status === '0' ? 'ok' : status === '8' ? 'resource_exhausted' : `grpc ${status}`
}

test.each(Object.keys(forms))('%s', async (form) => {
  expect(await answer(form, usual)).toBe('ok')
  expect(await answer(form, crowded)).toBe('resource_exhausted')
})
