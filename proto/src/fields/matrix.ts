// Copies of a step: its axes by name in the file, with include, exclude, maxParallel and failFast beside them.
import { type Matrix, type MatrixAxis, MatrixAxisSchema, MatrixSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create, fromJson, type JsonObject, type JsonValue, toJson } from '@bufbuild/protobuf'
import { ValueSchema } from '@bufbuild/protobuf/wkt'
import { isScalar, isSeq, type Node } from 'yaml'
import { hasExpression, parseTemplate } from '../expression.ts'
import { limits, patterns } from '../limits.ts'
import { matrixNames } from '../matrix.ts'
import type { JsonSchema } from '../pipeline-yaml/key-table.ts'
import { type Place, type Reader, scalarText } from '../pipeline-yaml/reader.ts'
import type { Tree, TreeMap } from '../pipeline-yaml/tree-value.ts'
import { shortText } from '../texts/parts.ts'
import { say } from '../texts/say.ts'
import { type DocumentReader, type DocumentValue, type Kind, type ReportValue, textOf } from './kind.ts'

/** Keys of the file that are no axes. */
export const matrixWords = ['include', 'exclude', 'maxParallel', 'failFast'] as const

/** What other systems call them. */
const foreignWords: Readonly<Record<string, string>> = {
  'max-parallel': 'maxParallel',
  max_parallel: 'maxParallel',
  'fail-fast': 'failFast',
  fail_fast: 'failFast',
}

const value: JsonSchema = { type: ['string', 'number', 'boolean'] }
const expression: JsonSchema = { type: 'string', pattern: '^\\s*\\$\\{\\{' }
const list = (items: JsonSchema, most: number): JsonSchema => ({
  anyOf: [{ type: 'array', items, maxItems: most }, expression],
})
const entries: JsonSchema = { type: 'object', additionalProperties: value, minProperties: 1 }

export const matrix: Kind<Matrix | undefined> = {
  name: 'matrix',
  schema: {
    type: 'object',
    minProperties: 1,
    propertyNames: { pattern: patterns.identifier.source },
    properties: {
      include: { description: 'Adds keys to combinations, or combinations.', ...list(entries, limits.matrixValues) },
      exclude: { description: 'Combinations that are left out.', ...list(entries, limits.matrixExcludes) },
      maxParallel: {
        description: 'How many copies run at once; all when absent.',
        type: 'integer',
        minimum: 1,
        maximum: limits.matrixCopies,
      },
      failFast: { description: 'The first failure ends the other copies (the default).', type: 'boolean' },
    },
    additionalProperties: { description: 'Values of an axis.', ...list(value, limits.matrixValues) },
  },
  absent: undefined,
  read: readMatrix,
  write: (given) => (given === undefined ? undefined : matrixTree(given)),
  canonical: (given) =>
    given === undefined
      ? null
      : {
          axes: given.axes.map((axis) => ({ name: axis.name, values: axis.from || valuesOf(axis) })),
          include: given.includeFrom || given.include,
          exclude: given.excludeFrom || given.exclude,
          maxParallel: given.maxParallel,
          failFast: given.failFast ?? true,
        },
  suffixes: ['.axes', '.include', '.exclude', '.maxParallel', '.failFast'],
  toDocument,
  fromDocument,
  expressions: 'template',
  check,
}

export function valuesOf({ values }: MatrixAxis): JsonValue[] {
  return values.map((each) => toJson(ValueSchema, each) as JsonValue)
}

/** As the document keeps an axis, and the form makes one. */
export type AxisValue = { name: string; values: (string | number | boolean)[] } | { name: string; from: string }

function toDocument(given: Matrix | undefined): Record<string, DocumentValue> {
  if (given === undefined) return {}
  const axes = given.axes.map(
    (axis): AxisValue =>
      axis.from === ''
        ? { name: axis.name, values: valuesOf(axis) as (string | number | boolean)[] }
        : { name: axis.name, from: axis.from },
  )
  return {
    '.axes': axes as unknown as DocumentValue,
    ...listDocument('.include', given.includeFrom, given.include),
    ...listDocument('.exclude', given.excludeFrom, given.exclude),
    ...(given.maxParallel > 0 && { '.maxParallel': given.maxParallel }),
    // A word: nothing that the document keeps reads as its default then.
    ...(given.failFast !== undefined && { '.failFast': String(given.failFast) }),
  }
}

function listDocument(suffix: string, from: string, items: JsonObject[]): Record<string, DocumentValue> {
  if (from !== '') return { [suffix]: from }
  return items.length > 0 ? { [suffix]: items as DocumentValue } : {}
}

function fromDocument(document: DocumentReader, key: string): Matrix | undefined {
  const [axes, include, exclude, most, failFast] = ['axes', 'include', 'exclude', 'maxParallel', 'failFast'].map(
    (part) => document.get(`${key}.${part}`),
  )
  if ([axes, include, exclude, most, failFast].every((part) => part === undefined)) return undefined
  return create(MatrixSchema, {
    axes: (Array.isArray(axes) ? axes : []).flatMap((axis: unknown) => axisOf(axis) ?? []),
    include: entriesOf(include),
    includeFrom: textOf(include),
    exclude: entriesOf(exclude),
    excludeFrom: textOf(exclude),
    maxParallel: document.whole(`${key}.maxParallel`, limits.matrixCopies),
    ...((failFast === 'true' || failFast === 'false') && { failFast: failFast === 'true' }),
  })
}

function axisOf(given: unknown): MatrixAxis | undefined {
  if (typeof given !== 'object' || given === null) return undefined
  const { name, values, from } = given as Partial<Record<'name' | 'values' | 'from', unknown>>
  if (typeof name !== 'string') return undefined
  if (typeof from === 'string') return create(MatrixAxisSchema, { name, from })
  return axisWith(name, Array.isArray(values) ? values.filter(isValue) : [])
}

function axisWith(name: string, values: JsonValue[]): MatrixAxis {
  return create(MatrixAxisSchema, { name, values: values.map((each) => fromJson(ValueSchema, each)) })
}

function isValue(given: unknown): given is string | number | boolean {
  return (
    typeof given === 'string' || typeof given === 'boolean' || (typeof given === 'number' && Number.isFinite(given))
  )
}

function entriesOf(given: unknown): JsonObject[] {
  if (!Array.isArray(given)) return []
  return given.flatMap((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return []
    return [Object.fromEntries(Object.entries(entry).filter(([, each]) => isValue(each))) as JsonObject]
  })
}

function matrixTree(given: Matrix): TreeMap {
  const tree: TreeMap = new Map()
  for (const axis of given.axes) tree.set(axis.name, axis.from || (valuesOf(axis) as Tree[]))
  const put = (key: string, from: string, items: JsonObject[]) => {
    const said: Tree = from || items.map((item) => new Map(Object.entries(item) as [string, Tree][]))
    if (from !== '' || items.length > 0) tree.set(key, said)
  }
  put('include', given.includeFrom, given.include)
  put('exclude', given.excludeFrom, given.exclude)
  if (given.maxParallel > 0) tree.set('maxParallel', given.maxParallel)
  if (given.failFast !== undefined) tree.set('failFast', given.failFast)
  return tree
}

function readMatrix(reader: Reader, node: Node | null, key: string, place: Place): Matrix {
  const read = create(MatrixSchema)
  if (isScalar(node) && hasExpression(scalarText(node))) {
    reader.report(say('matrix_whole'), node, place, 'matrix')
    return read
  }
  for (const entry of reader.entries(node, key, place)) {
    const at = reader.inside(place, entry.key)
    reader.mark(at, entry.value ?? entry.keyNode)
    if (Object.hasOwn(foreignWords, entry.key)) {
      const said = say('key_foreign', { noun: key, name: entry.key, here: foreignWords[entry.key]! })
      reader.report(said, entry.keyNode, at, 'unknown_key')
    } else if (entry.key === 'include' || entry.key === 'exclude') {
      readEntries(reader, read, entry.key, entry.value, at)
    } else if (entry.key === 'maxParallel') {
      read.maxParallel = readMost(reader, entry.value, at)
    } else if (entry.key === 'failFast') {
      const failFast = reader.boolean(entry.value, 'failFast', at)
      if (failFast !== undefined) read.failFast = failFast
    } else {
      const from = expressionIn(entry.value)
      if (from !== undefined) read.axes.push(create(MatrixAxisSchema, { name: entry.key, from }))
      else read.axes.push(axisWith(entry.key, readValues(reader, entry.value, entry.key, at)))
    }
  }
  return read
}

function expressionIn(node: Node | null): string | undefined {
  if (!isScalar(node)) return undefined
  const written = scalarText(node).trim()
  return hasExpression(written) ? written : undefined
}

function readValues(reader: Reader, node: Node | null, name: string, place: Place): JsonValue[] {
  if (!isSeq(node)) {
    reader.report(say('want_matrix_list', { key: name, ...reader.got(node) }), node, place, 'type')
    return []
  }
  return node.items.flatMap((item) => readValue(reader, reader.follow(item, place), name, place) ?? [])
}

function readValue(reader: Reader, node: Node | null, name: string, place: Place): JsonValue | undefined {
  const given = isScalar(node) ? reader.json(node, name, place) : null
  if (isValue(given)) return given
  reader.report(say('want_matrix_value', { key: name, ...reader.got(node) }), node, place, 'type')
  return undefined
}

function readEntries(reader: Reader, read: Matrix, key: 'include' | 'exclude', node: Node | null, place: Place): void {
  const from = expressionIn(node)
  if (from !== undefined) {
    read[`${key}From`] = from
    return
  }
  if (!isSeq(node)) {
    reader.report(say('want_matrix_list', { key, ...reader.got(node) }), node, place, 'type')
    return
  }
  for (const item of node.items) {
    const found: JsonObject = {}
    for (const { key: name, value: each } of reader.entries(reader.follow(item, place), key, place)) {
      const given = readValue(reader, each, name, place)
      if (given !== undefined) found[name] = given
    }
    read[key].push(found)
  }
}

function readMost(reader: Reader, node: Node | null, place: Place): number {
  const most = reader.number(node, 'maxParallel', place)
  if (most === undefined) return 0
  if (Number.isInteger(most) && most >= 1 && most <= limits.matrixCopies) return most
  reader.report(say('max_parallel', { most: limits.matrixCopies }), node, place)
  return 0
}

function check(given: Matrix | undefined, report: ReportValue): void {
  if (given === undefined) return
  if (given.axes.length === 0 && given.include.length === 0 && given.includeFrom === '') {
    report({ code: 'matrix', said: say('matrix_nothing', { example: 'node: [20, 22]' }) })
    return
  }
  if (given.axes.length > limits.matrixAxes)
    report({ code: 'limit', said: say('matrix_axes', { most: limits.matrixAxes }) })
  const seen = new Set<string>()
  for (const axis of given.axes) {
    const field = `.${axis.name}`
    const isWord = (matrixWords as readonly string[]).includes(axis.name)
    if (isWord || !patterns.identifier.test(axis.name)) {
      report({ code: 'matrix', field, said: say('matrix_name', { name: shortText(axis.name, 80) }) })
    } else if (seen.has(axis.name)) {
      report({ code: 'matrix', field, said: say('duplicate_axis', { name: axis.name }) })
    }
    seen.add(axis.name)
    if (axis.from !== '') checkExpression(axis.from, field, report)
    else if (axis.values.length === 0)
      report({ code: 'matrix', field, said: say('matrix_axis_empty', { name: axis.name }) })
  }
  for (const [name, from] of [
    ['include', given.includeFrom],
    ['exclude', given.excludeFrom],
  ] as const) {
    if (from !== '') checkExpression(from, `.${name}`, report)
  }
  const unknown = given.exclude.flatMap((entry) => Object.keys(entry)).find((name) => !seen.has(name))
  if (unknown !== undefined) {
    report({ code: 'matrix', field: '.exclude', said: say('matrix_exclude', { name: shortText(unknown, 80) }) })
  }
  const odd = [...(matrixNames(given) ?? [])].find((name) => !seen.has(name) && !patterns.identifier.test(name))
  if (odd !== undefined)
    report({ code: 'matrix', field: '.include', said: say('matrix_name', { name: shortText(odd, 80) }) })
}

/** A list comes of one expression alone. */
function checkExpression(from: string, field: string, report: ReportValue): void {
  const { parts, error } = parseTemplate(from)
  // What is wrong with the expression itself is said where all of them are looked at.
  if (error === undefined && !(parts.length === 1 && parts[0]?.kind === 'expression')) {
    report({ code: 'matrix', field, said: say('matrix_one') })
  }
}
