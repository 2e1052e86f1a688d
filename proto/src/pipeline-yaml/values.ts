// Values that the pipeline and its steps write the same way: maps that may be empty, env, durations.
import { type NameValue, NameValueSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create } from '@bufbuild/protobuf'
import { isScalar, type Node } from 'yaml'
import { parseDuration } from '../duration.ts'
import { say } from '../texts/say.ts'
import { type Entry, type Place, type Reader, scalarText } from './reader.ts'

/** The entries of a map that may say nothing. */
export function entriesOf(reader: Reader, node: Node | null, place: Place, what: string): Entry[] {
  return isScalar(node) && node.value === null ? [] : reader.entries(node, what, place)
}

export function readEnv(reader: Reader, node: Node | null, place: Place): NameValue[] {
  return readPairs(reader, node, 'env', place)
}

/** A map of texts, in its order. */
export function readPairs(reader: Reader, node: Node | null, what: string, place: Place): NameValue[] {
  return entriesOf(reader, node, place, what).map(({ key, keyNode, value }) => {
    const at = reader.inside(place, key)
    reader.mark(at, value ?? keyNode)
    return create(NameValueSchema, { name: key, value: reader.text(value, key, at) ?? '' })
  })
}

/** Milliseconds; a number alone is seconds. */
export function readDuration(reader: Reader, node: Node | null, place: Place): number | undefined {
  const text = isScalar(node) ? scalarText(node) : ''
  const ms = parseDuration(text)
  if (ms !== undefined) return ms
  reader.report(say('duration_form', reader.got(node)), node, place, 'duration')
  return undefined
}

/** A duration after which something is ended. */
export function readTimeout(reader: Reader, node: Node | null, place: Place): number | undefined {
  const ms = readDuration(reader, node, place)
  if (ms !== 0) return ms
  reader.report(say('duration_none'), node, place, 'duration')
  return undefined
}
