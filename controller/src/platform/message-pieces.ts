// Messages with very many entries, read and written an entry at a time, so that it can be done in turns of the event loop.

import { each, type Pieces } from '@ansflow/proto/pieces'
import {
  type DescField,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Message,
  type MessageShape,
  toBinary,
  toJson,
} from '@bufbuild/protobuf'
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { inTurns } from './turns.ts'

/** Lists up to this length, and messages up to this many bytes, are one piece. */
const few = 10
const fewBytes = 16 * 1024

type Fields = Record<string, unknown>
type MessageField = DescField & { message: DescMessage }

/** Whether it takes long to write down. */
export function isLarge(schema: DescMessage, message: Message): boolean {
  return largeFields(schema, message as unknown as Fields).length > 0
}

/** The same message, ready to be written in the binary format within one turn. */
export async function prepared(schema: DescMessage, message: Message): Promise<Message> {
  if (!isLarge(schema, message)) return message
  return inTurns(preparing(schema, message))
}

/** As JSON text. Entries of long lists stand behind all else. */
export function* writingJson(schema: DescMessage, message: Message): Pieces<string> {
  const fields = message as unknown as Fields
  const large = largeFields(schema, fields)
  const text = JSON.stringify(toJson(schema, without(fields, large)))
  const parts: string[] = []
  for (const field of large) {
    const value = fields[field.localName]
    const json = isList(field)
      ? `[${(yield* each(value as Message[], (one) => JSON.stringify(toJson(field.message, one)))).join(',')}]`
      : yield* writingJson(field.message, value as Message)
    parts.push(`${JSON.stringify(field.jsonName)}:${json}`)
  }
  if (parts.length === 0) return text
  return `${text.slice(0, -1)}${text === '{}' ? '' : ','}${parts.join(',')}}`
}

/** A message from its binary format. */
export function* reading<T extends DescMessage>(schema: T, bytes: Uint8Array): Pieces<MessageShape<T>> {
  if (bytes.length <= fewBytes) return fromBinary(schema, bytes)
  const reader = new BinaryReader(bytes)
  const rest: Uint8Array[] = []
  const found = new Map<MessageField, Uint8Array[]>()
  while (reader.pos < reader.len) {
    const start = reader.pos
    const [no, wireType] = reader.tag()
    const field = schema.fields.find(({ number }) => number === no)
    if (field && wireType === WireType.LengthDelimited && isPiece(field)) {
      const parts = found.get(field)
      if (parts) parts.push(reader.bytes())
      else found.set(field, [reader.bytes()])
    } else {
      reader.skip(wireType, no)
      rest.push(bytes.subarray(start, reader.pos))
    }
  }
  const message = fromBinary(schema, Buffer.concat(rest))
  for (const [field, parts] of found) {
    // A single message may come in several parts; they are one message in one piece.
    const value: unknown = isList(field)
      ? yield* each(parts, (part) => fromBinary(field.message, part))
      : yield* reading(field.message, parts.length === 1 ? parts[0]! : Buffer.concat(parts))
    Object.assign(message, { [field.localName]: value })
  }
  return message
}

/** A message from its JSON; fields that are not known are passed over. */
export function* readingJson<T extends DescMessage>(schema: T, text: string): Pieces<MessageShape<T>> {
  const json = { ...(JSON.parse(text) as JsonObject) }
  const lists = schema.fields
    .filter(isPiece)
    .filter((field) => isList(field) && (json[field.jsonName] as JsonValue[] | undefined)?.length)
    .map((field) => {
      const entries = json[field.jsonName] as JsonValue[]
      delete json[field.jsonName]
      return { field, entries }
    })
  const message = fromJson(schema, json, { ignoreUnknownFields: true })
  for (const { field, entries } of lists) {
    const values = yield* each(entries, (entry) => fromJson(field.message, entry, { ignoreUnknownFields: true }))
    Object.assign(message, { [field.localName]: values })
  }
  return message
}

function* preparing(schema: DescMessage, message: Message): Pieces<Message> {
  const fields = message as unknown as Fields
  const large = largeFields(schema, fields)
  const $unknown: Message['$unknown'] = [...(message.$unknown ?? [])]
  for (const field of large) {
    const value = fields[field.localName]
    const parts = isList(field)
      ? yield* each(value as Message[], (one) => toBinary(field.message, one))
      : [toBinary(field.message, yield* preparing(field.message, value as Message))]
    // What is written already goes as it is, like the fields of a contract that is newer than ours.
    for (const part of parts) {
      const data = new BinaryWriter().bytes(part).finish()
      $unknown.push({ no: field.number, wireType: WireType.LengthDelimited, data })
    }
  }
  return { ...without(fields, large), $unknown }
}

/** Fields with long lists of messages, in them or further down. */
function largeFields(schema: DescMessage, message: Fields): MessageField[] {
  return schema.fields.filter(isPiece).filter((field) => {
    const value = message[field.localName]
    if (value === undefined) return false
    return isList(field) ? (value as unknown[]).length > few : isLarge(field.message, value as Message)
  })
}

function isPiece(field: DescField): field is MessageField {
  if (field.oneof !== undefined || !(isList(field) || field.fieldKind === 'message')) return false
  // Those have values of their own kind in place of messages.
  return !field.message?.typeName.startsWith('google.protobuf.')
}

function isList(field: DescField): boolean {
  return field.fieldKind === 'list' && field.listKind === 'message'
}

function without(message: Fields, fields: MessageField[]): Message {
  const rest = { ...message }
  for (const field of fields) rest[field.localName] = isList(field) ? [] : undefined
  return rest as unknown as Message
}
