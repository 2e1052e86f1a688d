// What a run says when it has succeeded: a map in the file, one value in the document.
import { type NameValue, NameValueSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create } from '@bufbuild/protobuf'
import { limits, patterns } from '../limits.ts'
import { scalar } from '../pipeline-yaml/key-table.ts'
import { readPairs } from '../pipeline-yaml/values.ts'
import { say } from '../texts/say.ts'
import { nameSaid } from '../validate/finding.ts'
import { compare, type DocumentValue, type Kind } from './kind.ts'

export const outputs: Kind<NameValue[]> = {
  name: 'outputs',
  schema: {
    type: ['object', 'null'],
    propertyNames: { pattern: patterns.identifier.source },
    additionalProperties: scalar,
    maxProperties: limits.outputsOfARun,
  },
  absent: [],
  read: (reader, node, key, place) => readPairs(reader, node, key, place),
  write: (value) => (value.length > 0 ? new Map(value.map(({ name, value: text }) => [name, text])) : undefined),
  canonical: (value) => value.map(({ name, value: text }) => [name, text]).sort((a, b) => compare(a[0]!, b[0]!)),
  suffixes: [''],
  toDocument: (value): Record<string, DocumentValue> =>
    value.length === 0 ? {} : { '': value.map(({ name, value: text }) => ({ name, value: text })) },
  fromDocument: (document, key) => pairsOf(document.get(key)),
  expressions: 'template',
  check(value, report) {
    if (value.length > limits.outputsOfARun) {
      report({ code: 'limit', said: say('many_outputs', { most: limits.outputsOfARun }) })
    }
    const seen = new Set<string>()
    for (const { name } of value) {
      const field = `.${name}`
      if (!patterns.identifier.test(name)) report({ code: 'output_name', field, said: nameSaid('output_name', name) })
      else if (seen.has(name)) report({ field, said: say('duplicate_output', { name }) })
      seen.add(name)
    }
  },
}

/** As the document has them. */
export function pairsOf(value: unknown): NameValue[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((pair: unknown) => {
    const { name, value: text } = (typeof pair === 'object' && pair !== null ? pair : {}) as Record<string, unknown>
    return typeof name === 'string' && typeof text === 'string' ? [create(NameValueSchema, { name, value: text })] : []
  })
}
