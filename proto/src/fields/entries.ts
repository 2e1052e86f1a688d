// What triggers are made of: messages that the document keeps in one piece, with inputs of runs.
import type { DescMessage, JsonObject, JsonValue, MessageShape } from '@bufbuild/protobuf'
import { fromJson } from '@bufbuild/protobuf'
import { isScalar, isSeq, type Node } from 'yaml'
import type { Entry, Place, Reader } from '../pipeline-yaml/reader.ts'
import { jsonTree, type Tree } from '../pipeline-yaml/tree-value.ts'
import { say } from '../texts/say.ts'

/** What reached the document in another form is left out: the editor writes none. */
export function messagesOf<D extends DescMessage>(schema: D, value: unknown): MessageShape<D>[] {
  try {
    return [fromJson(schema, value as JsonValue, { ignoreUnknownFields: true })]
  } catch {
    return []
  }
}

/** Node, name and place of the value of a key. */
export function valueAt(
  reader: Reader,
  entries: ReadonlyMap<string, Entry>,
  place: Place,
): (key: string) => [Node | null, string, Place] {
  return (key) => [entries.get(key)?.value ?? null, key, reader.inside(place, key)]
}

/** Inputs of runs, by name. */
export function readGiven(reader: Reader, node: Node | null, what: string, place: Place): JsonObject | undefined {
  if (node === null) return undefined
  const given = reader.json(node, what, place)
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as JsonObject
  if (given !== null) reader.report(say('want_map', { noun: what, ...reader.got(node) }), node, place, 'type')
  return undefined
}

/** Undefined: there is nothing to say. */
export function givenTree(inputs: JsonObject | undefined): Tree | undefined {
  return inputs !== undefined && Object.keys(inputs).length > 0 ? jsonTree(inputs as JsonValue) : undefined
}

/** A list, or one by itself; those that cannot be read are left out, and said by who reads them. */
export function readEach<T>(
  reader: Reader,
  node: Node | null,
  place: Place,
  read: (reader: Reader, node: Node | null, place: Place) => T | undefined,
): T[] {
  if (node === null || (isScalar(node) && node.value === null)) return []
  const items = isSeq(node) ? node.items : [node]
  return items.flatMap((raw, index) => {
    const item = reader.follow(raw, place)
    const at = reader.inside(place, String(index))
    reader.mark(at, item ?? node)
    const one = read(reader, item, at)
    return one ? [one] : []
  })
}
