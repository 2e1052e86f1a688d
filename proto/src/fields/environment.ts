// What a step deploys to: a name in the file, or { name, url }.
import { type StepEnvironment, StepEnvironmentSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create } from '@bufbuild/protobuf'
import { isScalar, type Node } from 'yaml'
import { hasExpression } from '../expression.ts'
import { hasControl, limits } from '../limits.ts'
import { type KeyTable, scalar } from '../pipeline-yaml/key-table.ts'
import { type Place, type Reader, scalarText } from '../pipeline-yaml/reader.ts'
import type { Tree } from '../pipeline-yaml/tree-value.ts'
import { say } from '../texts/say.ts'
import { valueAt } from './entries.ts'
import { type DocumentValue, type Kind, textOf } from './kind.ts'

export const environmentKeys: KeyTable = {
  name: { description: 'The name of the environment; may hold ${{ }}.', schema: scalar },
  url: {
    description:
      'Where what is deployed will be found, if not at the environment’s own address; may hold ${{ }}, also with what the step itself sets.',
    schema: scalar,
  },
}

/** Also of what an expression has given. */
export function environmentNameProblem(name: string): boolean {
  return name === '' || name.length > limits.environmentName || hasControl(name) || name !== name.trim()
}

/** Also of what an expression has given, and of the environment's own. */
export function environmentUrlProblem(url: string): boolean {
  if (url === '') return false
  return (
    url.length > limits.addressLength || !/^https?:\/\/[^\s/]\S*$/i.test(url) || hasControl(url) || !URL.canParse(url)
  )
}

export const environment: Kind<StepEnvironment | undefined> = {
  name: 'environment',
  schema: { anyOf: [scalar, { $ref: '#/$defs/environment' }] },
  absent: undefined,
  read: readEnvironment,
  write(value): Tree | undefined {
    const { name, url } = value ?? { name: '', url: '' }
    if (url === '') return name === '' ? undefined : name
    return new Map<string, Tree>([
      ['name', name],
      ['url', url],
    ])
  },
  canonical: (value) => (value && value.name + value.url !== '' ? { name: value.name, url: value.url } : null),
  suffixes: ['', '.url'],
  toDocument: (value): Record<string, DocumentValue> => ({
    ...(value?.name && { '': value.name }),
    ...(value?.url && { '.url': value.url }),
  }),
  fromDocument(document, key) {
    const [name, url] = [textOf(document.get(key)), textOf(document.get(`${key}.url`))]
    return name + url === '' ? undefined : create(StepEnvironmentSchema, { name, url })
  },
  expressions: 'template',
  check(value, report) {
    if (value === undefined) return
    if (!hasExpression(value.name) && environmentNameProblem(value.name)) {
      report({ code: 'environment', said: say('environment_name', { most: limits.environmentName }) })
    }
    const isLong = value.url.length > limits.addressLength
    if (isLong || (!hasExpression(value.url) && environmentUrlProblem(value.url))) {
      report({ code: 'environment', field: '.url', said: say('environment_url', { most: limits.addressLength }) })
    }
  },
}

function readEnvironment(reader: Reader, node: Node | null, _key: string, place: Place): StepEnvironment | undefined {
  if (isScalar(node) && node.value !== null) return create(StepEnvironmentSchema, { name: scalarText(node) })
  const before = reader.problems.length
  const entries = reader.known(node, { keys: environmentKeys, noun: 'environment' }, place)
  const at = valueAt(reader, entries, place)
  const textAt = (part: string) => (entries.has(part) ? (reader.text(...at(part)) ?? '') : '')
  const read = create(StepEnvironmentSchema, { name: textAt('name'), url: textAt('url') })
  // That the name is missing is said with all others that are none.
  if (read.name + read.url !== '') return read
  if (reader.problems.length === before) {
    const example = '{ name: production, url: "https://example.org" }'
    reader.report(say('environment_form', { example }), node, place, 'type')
  }
  return undefined
}
