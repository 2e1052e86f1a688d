// How many values a request in the binary format holds, counted on the wire: two bytes are enough for one, and each costs the
// reader a message or a text of its own. The walk ends at the limit, so that it costs no more than what may come in.
import { AppError } from '@ansflow/proto/errors'
import { requestValues } from '@ansflow/proto/limits'
import type { DescField, DescMessage } from '@bufbuild/protobuf'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'

/** Numbers in a packed list are read without any of that. */
const packedBytesOfAValue = 8
/** As deep as the reader goes. */
const mostDepth = 100

/** Throws when there are more than a request may have. Bytes that are no message are for the reader to refuse. */
export function refuseManyValues(input: DescMessage, bytes: Uint8Array): void {
  // Each value takes two bytes at least.
  if (bytes.length <= 2 * requestValues) return
  try {
    walk(new BinaryReader(bytes), input, bytes.length, { left: requestValues }, 0)
  } catch (error) {
    if (error instanceof AppError) throw error
  }
}

function walk(reader: BinaryReader, desc: DescMessage, end: number, budget: { left: number }, depth: number): void {
  if (depth > mostDepth) throw new RangeError('too deep')
  while (reader.pos < end) {
    const [no, type] = reader.tag()
    spend(budget, 1)
    const field = type === WireType.LengthDelimited ? fieldOf(desc, no) : undefined
    if (field?.fieldKind === 'map') walkEntry(reader, field, budget, depth)
    else if (field?.message) walk(reader, field.message, reader.uint32() + reader.pos, budget, depth + 1)
    else if (field?.fieldKind === 'list') spend(budget, reader.skip(type, no).length / packedBytesOfAValue)
    else reader.skip(type, no)
  }
}

/** Its key is field 1 and its value field 2; each may stand there again and again. */
function walkEntry(reader: BinaryReader, map: DescField, budget: { left: number }, depth: number): void {
  const end = reader.uint32() + reader.pos
  while (reader.pos < end) {
    const [no, type] = reader.tag()
    spend(budget, 1)
    if (no === 2 && map.message) walk(reader, map.message, reader.uint32() + reader.pos, budget, depth + 1)
    else reader.skip(type, no)
  }
}

function spend(budget: { left: number }, values: number): void {
  budget.left -= values
  if (budget.left < 0)
    throw new AppError('resource_exhausted', 'The request has too many parts.', { reason: 'too_large' })
}

const fields = new WeakMap<DescMessage, Map<number, DescField>>()

function fieldOf(desc: DescMessage, no: number): DescField | undefined {
  const known = fields.get(desc) ?? new Map(desc.fields.map((field) => [field.number, field]))
  fields.set(desc, known)
  return known.get(no)
}
