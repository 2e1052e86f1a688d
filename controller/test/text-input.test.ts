// No text that cannot be stored comes in: every text of every request, by the contract's own descriptors, through both doors.
import type { DescField, DescMessage, JsonObject, JsonValue } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { callGrpc, callHttp } from './call-any.ts'
import { everyService } from './every-service.ts'
import { startController, type TestController } from './start-controller.ts'

let c: TestController
beforeAll(async () => {
  c = await startController()
})
afterAll(() => c[Symbol.asyncDispose]())

const services = (await everyService()).filter(({ typeName }) => typeName.startsWith('ansflow.v1.'))
const methods = services
  .flatMap((service) => service.methods)
  .filter(({ methodKind }) => methodKind === 'unary' || methodKind === 'server_streaming')

/** Requests with `text` in one of their texts each, with the name of its first field. */
function requests(message: DescMessage, text: string, depth = 0): { field: string; request: JsonObject }[] {
  if (depth > 3) return []
  return message.fields.flatMap((field) =>
    values(field, text, depth).map((value) => ({ field: field.name, request: { [field.localName]: value } })),
  )
}

function values(field: DescField, text: string, depth: number): JsonValue[] {
  if (field.fieldKind === 'scalar') return isText(field.scalar) ? [text] : []
  if (field.fieldKind === 'list') {
    if (field.listKind === 'scalar') return isText(field.scalar) ? [['fine', text]] : []
    return field.listKind === 'message' ? messages(field.message, text, depth).map((value) => [value]) : []
  }
  if (field.fieldKind === 'map')
    return [{ [text]: field.mapKind === 'scalar' ? (isText(field.scalar) ? 'x' : true) : {} }]
  return field.fieldKind === 'message' ? messages(field.message, text, depth) : []
}

function messages(message: DescMessage, text: string, depth: number): JsonValue[] {
  if (message.typeName === 'google.protobuf.Struct') return [{ name: text }, { [text]: 1 }, { deep: [{ name: text }] }]
  if (message.typeName === 'google.protobuf.Value') return [text]
  if (message.typeName.startsWith('google.protobuf.')) return []
  return requests(message, text, depth + 1).map(({ request }) => request)
}

function isText(scalar: number): boolean {
  return scalar === 9
}

test.each(methods)('$parent.name/$name takes no text that cannot be stored', async (method) => {
  for (const text of ['a\0b', '\ud83d', 'x\ude00']) {
    for (const { field, request } of requests(method.input, text)) {
      const ending = await callHttp(c, method, request, c.owner.token)
      expect(ending, `${field} = ${JSON.stringify(text)} over HTTP`).toMatchObject({ code: 'invalid_argument' })
      // On the wire of gRPC a text is UTF-8, which has no half of a character.
      if (!text.isWellFormed()) continue
      expect(await callGrpc(c, method, request, c.owner.token), `${field} over gRPC`).toMatchObject({
        code: 'invalid_argument',
        message: expect.stringContaining('NUL'),
      })
    }
  }
})

test('there are texts to look at', () => {
  expect(methods.flatMap(({ input }) => requests(input, 'x')).length).toBeGreaterThan(80)
})
