// What steps have that do not say it themselves: a map of the fields of steps in the file, in the document each by itself.
import {
  type NameValue,
  NameValueSchema,
  type StepDefinition,
  StepDefinitionSchema,
} from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create, type JsonValue } from '@bufbuild/protobuf'
import { isScalar, type Node } from 'yaml'
import { type KeyTable, scalar } from '../pipeline-yaml/key-table.ts'
import type { Place, Reader } from '../pipeline-yaml/reader.ts'
import type { Tree, TreeMap } from '../pipeline-yaml/tree-value.ts'
import { stepType, validateParams } from '../steps/index.ts'
import { valueAt } from './entries.ts'
import type { DocumentReader, DocumentValue, Kind } from './kind.ts'
import { pairsOf } from './outputs.ts'
import { inheritedFields, type StepField } from './step-fields.ts'

export const defaultKeys: KeyTable = {
  shell: { description: 'What runs scripts: sh, bash, pwsh, or a program with its arguments.', schema: scalar },
  ...Object.fromEntries(
    inheritedFields.map(({ key, description, kind }) => [key, { description, schema: { ...kind.schema } }]),
  ),
}

const shellOf = (value: StepDefinition) => (typeof value.with?.shell === 'string' ? value.with.shell : '')

/** The document has them under keys of their own, but for variables, which are one value here. */
const inOnePiece = ({ key }: StepField) => key === 'env'

const suffixes = [
  '.shell',
  ...inheritedFields.flatMap((field) =>
    inOnePiece(field) ? [`.${field.key}`] : field.kind.suffixes.map((suffix) => `.${field.key}${suffix}`),
  ),
]

export const defaults: Kind<StepDefinition | undefined> = {
  name: 'defaults',
  schema: { anyOf: [{ $ref: '#/$defs/defaults' }, { type: 'null' }] },
  absent: undefined,
  read: readDefaults,
  write(value) {
    if (!value) return undefined
    const tree: TreeMap = new Map<string, Tree>()
    if (shellOf(value) !== '') tree.set('shell', shellOf(value))
    for (const { key, of, kind } of inheritedFields) {
      const written = kind.write(value[of] as never)
      if (written !== undefined) tree.set(key, written)
    }
    return tree.size > 0 ? tree : undefined
  },
  canonical(value) {
    const found: Record<string, JsonValue> = {}
    if (!value) return found
    if (shellOf(value) !== '') found.shell = shellOf(value)
    for (const { of, kind } of inheritedFields) {
      if (kind.write(value[of] as never) !== undefined) found[of] = kind.canonical(value[of] as never)
    }
    return found
  },
  suffixes,
  toDocument(value) {
    const document: Record<string, DocumentValue> = {}
    if (!value) return document
    if (shellOf(value) !== '') document['.shell'] = shellOf(value)
    for (const field of inheritedFields) {
      const { key, of, kind } = field
      if (inOnePiece(field)) {
        const pairs = value[of] as NameValue[]
        if (pairs.length > 0) document[`.${key}`] = pairs.map(({ name, value: text }) => ({ name, value: text }))
        continue
      }
      for (const [suffix, one] of Object.entries(kind.toDocument(value[of] as never)))
        document[`.${key}${suffix}`] = one
    }
    return document
  },
  fromDocument(document, key) {
    const shell = document.get(`${key}.shell`)
    const found: Record<string, unknown> = typeof shell === 'string' && shell !== '' ? { with: { shell } } : {}
    for (const field of inheritedFields) {
      const value = fromDocument(document, `${key}.${field.key}`, field)
      if (field.kind.write(value as never) !== undefined) found[field.of] = value
    }
    return Object.keys(found).length > 0 ? create(StepDefinitionSchema, found) : undefined
  },
  expressions: 'none',
  check(value, report) {
    if (!value) return
    for (const { key, of, kind } of inheritedFields) {
      kind.check?.(value[of] as never, ({ field = '', ...finding }) => report({ ...finding, field: `.${key}${field}` }))
    }
    const shell = shellOf(value)
    if (shell === '') return
    for (const { field, said } of validateParams(stepType('custom')!, { script: 'true', shell })) {
      report({ code: 'param', field: `.${field}`, said })
    }
  },
}

function fromDocument(document: DocumentReader, key: string, field: StepField): unknown {
  if (!inOnePiece(field)) return field.kind.fromDocument(document, key)
  return pairsOf(document.get(key)).map((pair) => create(NameValueSchema, pair))
}

function readDefaults(reader: Reader, node: Node | null, key: string, place: Place): StepDefinition | undefined {
  if (node === null || (isScalar(node) && node.value === null)) return undefined
  const entries = reader.known(node, { keys: defaultKeys, noun: key }, place)
  const at = valueAt(reader, entries, place)
  const found: Record<string, unknown> = {}
  if (entries.has('shell')) {
    const shell = reader.text(...at('shell'))
    if (shell) found.with = { shell }
  }
  for (const field of inheritedFields) {
    if (!entries.has(field.key)) continue
    const value = field.kind.read(reader, ...at(field.key))
    if (value !== undefined && field.kind.write(value as never) !== undefined) found[field.of] = value
  }
  return Object.keys(found).length > 0 ? create(StepDefinitionSchema, found) : undefined
}
