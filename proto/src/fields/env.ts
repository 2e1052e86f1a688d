// Environment variables: a map in the file, entries with an order in the document.
import type { NameValue } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { limits, patterns, utf8Length } from '../limits.ts'
import { scalar } from '../pipeline-yaml/key-table.ts'
import { readEnv } from '../pipeline-yaml/values.ts'
import { pathProblem, reservedProblem } from '../step-variables.ts'
import { say } from '../texts/say.ts'
import { nameSaid } from '../validate/finding.ts'
import { compare, type Kind, ownWay } from './kind.ts'

export const env: Kind<NameValue[]> = {
  name: 'env',
  schema: {
    type: 'object',
    propertyNames: { pattern: patterns.identifier.source },
    additionalProperties: scalar,
    maxProperties: limits.env,
  },
  absent: [],
  read: (reader, node, _key, place) => readEnv(reader, node, place),
  write: (value) => (value.length > 0 ? new Map(value.map(({ name, value: text }) => [name, text])) : undefined),
  canonical: (value) => value.map(({ name, value: text }) => [name, text]).sort((a, b) => compare(a[0]!, b[0]!)),
  ...ownWay,
  fromDocument: () => [],
  expressions: 'template',
  check(value, report) {
    if (value.length > limits.env) report({ code: 'limit', said: say('many_variables', { most: limits.env }) })
    const seen = new Set<string>()
    for (const { name, value: text } of value) {
      const field = `.${name}`
      if (!patterns.identifier.test(name)) report({ code: 'env_name', field, said: nameSaid('env_name', name) })
      if (seen.has(name)) report({ field, said: say('duplicate_env', { name }) })
      seen.add(name)
      if (utf8Length(text) > limits.envValueBytes) {
        report({ code: 'limit', field, said: say('variable_long', { name, most: limits.envValueBytes / 1024 }) })
      }
      const reserved = reservedProblem(name)
      if (reserved !== undefined) report({ field, said: reserved })
      const path = pathProblem(name, text)
      if (path !== undefined) report({ field, said: path })
    }
  },
}
