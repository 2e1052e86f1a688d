// Enums of requests: a value that this controller does not know has no meaning, so it is refused. Looked for once, for every rpc.
import { invalidField } from '@ansflow/proto/errors'
import type { DescField, DescMessage, Message } from '@bufbuild/protobuf'

/** Throws with the path of the first unknown value. */
export function refuseUnknownEnums(schema: DescMessage, request: Message): void {
  const found = findUnknown(schema, request, '')
  if (found) throw invalidField(found.path, `has no value ${found.value}`, 'unknown_value')
}

type Fields = Record<string, unknown>

function findUnknown(schema: DescMessage, message: Fields, at: string): { path: string; value: number } | undefined {
  for (const field of fieldsWithEnums(schema)) {
    const held = field.oneof ? oneofValue(message, field) : message[field.localName]
    if (held === undefined) continue
    const values = field.fieldKind === 'list' ? (held as unknown[]) : [held]
    for (const [index, value] of values.entries()) {
      const path = `${at}${field.name}${field.fieldKind === 'list' ? `[${index}]` : ''}`
      if (field.enum) {
        if (!field.enum.value[value as number]) return { path, value: value as number }
      } else if (field.message) {
        const found = findUnknown(field.message, value as Fields, `${path}.`)
        if (found) return found
      }
    }
  }
  return undefined
}

function oneofValue(message: Fields, field: DescField): unknown {
  const held = message[field.oneof?.localName ?? ''] as { case?: string; value?: unknown }
  return held.case === field.localName ? held.value : undefined
}

const known = new WeakMap<DescMessage, DescField[]>()

/** Its enums, and the messages that have some, near or far. Maps to enums are in no request. */
function fieldsWithEnums(schema: DescMessage): DescField[] {
  let fields = known.get(schema)
  if (!fields) {
    // While it is being found out, a message inside itself adds nothing.
    known.set(schema, [])
    fields = schema.fields.filter((field) => {
      if (field.fieldKind === 'map' || field.message?.typeName.startsWith('google.protobuf.')) return false
      return field.enum !== undefined || (field.message !== undefined && fieldsWithEnums(field.message).length > 0)
    })
    known.set(schema, fields)
  }
  return fields
}
