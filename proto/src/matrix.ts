// What a matrix says: which copies of a step there are, with which values.
import type { Matrix } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { type JsonValue, toJson } from '@bufbuild/protobuf'
import { ValueSchema } from '@bufbuild/protobuf/wkt'
import { hasExpression } from './expression.ts'
import { limits, patterns } from './limits.ts'
import { shortText } from './texts/parts.ts'
import { saidText } from './texts/said-text.ts'
import { type Said, say } from './texts/say.ts'

export type MatrixValue = string | number | boolean
export type MatrixValues = Readonly<Record<string, MatrixValue>>

/** There is no list of copies. Its message is a sentence for people. */
export class MatrixError extends Error {
  override readonly name = 'MatrixError'
  readonly said: Said

  constructor(said: Said) {
    super(saidText(said))
    this.said = said
  }
}

/**
 * The values of each copy, in order. `evaluate` gives the value of a text with `${{ }}`, in its own type where it is one
 * expression alone. Throws a MatrixError, and what `evaluate` throws.
 */
export function expandMatrix(matrix: Matrix, evaluate: (text: string) => JsonValue): MatrixValues[] {
  const axes = matrix.axes.map(({ name, values, from }) => ({
    name,
    values:
      from === ''
        ? listOf(values.map(jsonOf), name).map((value) => scalarOf(written(value, evaluate), name))
        : listOf(evaluate(from), name).map((value) => scalarOf(value, name)),
  }))
  const excluded = entriesOf(matrix.excludeFrom, matrix.exclude, 'exclude', evaluate)
  const included = entriesOf(matrix.includeFrom, matrix.include, 'include', evaluate)
  const combinations = axes.length === 0 ? [] : productOf(axes)
  const kept = combinations.filter((values) => !excluded.some((entry) => agrees(entry, values)))
  const copies = includeIn(kept, included)
  if (copies.length > limits.matrixCopies) throw new MatrixError(tooMany(copies.length))
  let size = 0
  for (const values of copies) size += JSON.stringify(values).length
  if (size > limits.matrixSize) throw new MatrixError(say('matrix_large', { most: limits.matrixSize / 1024 }))
  return copies
}

export function tooMany(count: number): Said {
  return say('matrix_many', { count, most: limits.matrixCopies })
}

type Values = Record<string, MatrixValue>

function productOf(axes: readonly { name: string; values: readonly MatrixValue[] }[]): Values[] {
  const count = axes.reduce((all, { values }) => all * values.length, 1)
  if (count > limits.matrixCombinations) throw new MatrixError(tooMany(count))
  let combinations: Values[] = [{}]
  for (const { name, values } of axes) {
    combinations = combinations.flatMap((before) => values.map((value) => ({ ...before, [name]: value })))
  }
  return combinations
}

/** One that says nothing agrees with none. */
function agrees(entry: Values, values: Values): boolean {
  const said = Object.entries(entry)
  return said.length > 0 && said.every(([name, value]) => Object.hasOwn(values, name) && values[name] === value)
}

/** Each entry adds its keys to all combinations of the axes whose values it does not change; to none, it is one of its own. */
function includeIn(combinations: Values[], included: readonly Values[]): Values[] {
  const copies = combinations.map((values) => ({ ...values }))
  const added: Values[] = []
  for (const entry of included) {
    let fits = false
    for (const [index, values] of combinations.entries()) {
      if (!Object.entries(entry).every(([name, value]) => !Object.hasOwn(values, name) || values[name] === value))
        continue
      Object.assign(copies[index]!, entry)
      fits = true
    }
    if (!fits) added.push({ ...entry })
  }
  return [...copies, ...added]
}

function entriesOf(
  from: string,
  given: Matrix['include'],
  what: 'include' | 'exclude',
  evaluate: (text: string) => JsonValue,
): Values[] {
  const isWritten = from === ''
  const entries = isWritten ? (given as JsonValue[]) : listOf(evaluate(from), what)
  const most = what === 'include' ? limits.matrixValues : limits.matrixExcludes
  if (entries.length > most) throw new MatrixError(say('matrix_values', { name: what, most }))
  return entries.map((entry) => {
    if (entry === null || typeof entry !== 'object' || Array.isArray(entry)) {
      throw new MatrixError(say('matrix_entry', { name: what, value: shown(entry) }))
    }
    return Object.fromEntries(
      Object.entries(entry).map(([name, value]) => {
        if (!patterns.identifier.test(name)) throw new MatrixError(say('matrix_name', { name: shortText(name, 80) }))
        return [name, scalarOf(isWritten ? written(value as JsonValue, evaluate) : (value as JsonValue), name)]
      }),
    )
  })
}

function listOf(value: JsonValue, name: string): JsonValue[] {
  if (!Array.isArray(value)) throw new MatrixError(say('matrix_list', { name, value: shown(value) }))
  if (value.length > limits.matrixValues) {
    throw new MatrixError(say('matrix_values', { name, most: limits.matrixValues }))
  }
  return value
}

function jsonOf(value: Matrix['axes'][number]['values'][number]): JsonValue {
  return toJson(ValueSchema, value) as JsonValue
}

/** What stands in the file may be an expression; what an expression brings is a value, whatever it looks like. */
function written(value: JsonValue, evaluate: (text: string) => JsonValue): JsonValue {
  return typeof value === 'string' && hasExpression(value) ? evaluate(value) : value
}

function scalarOf(value: JsonValue, name: string): MatrixValue {
  if (typeof value === 'string' && value.length > limits.matrixValueLength) {
    throw new MatrixError(say('matrix_value_long', { name, most: limits.matrixValueLength }))
  }
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  throw new MatrixError(say('matrix_scalar', { name, value: shown(value) }))
}

const longestShown = 80

function shown(value: JsonValue): string {
  const text = JSON.stringify(value)
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text
}

/** Whether its copies are known without a run. */
export function isKnownMatrix(matrix: Matrix): boolean {
  if (matrix.includeFrom !== '' || matrix.excludeFrom !== '') return false
  const plain = (value: JsonValue | undefined) => typeof value !== 'string' || !hasExpression(value)
  return (
    matrix.axes.every(
      ({ values, from }) => from === '' && values.every(({ kind }) => kind.case !== 'stringValue' || plain(kind.value)),
    ) && [...matrix.include, ...matrix.exclude].every((entry) => Object.values(entry).every((value) => plain(value)))
  )
}

/** The copies of a matrix that is known. Throws a MatrixError. */
export function knownCopies(matrix: Matrix): MatrixValues[] {
  return expandMatrix(matrix, (text) => text)
}

/** Of the axes, before `exclude` and `include`. */
export function combinationsOf({ axes }: Matrix): number {
  return axes.length === 0 ? 0 : axes.reduce((all, { values }) => all * values.length, 1)
}

/** Names that expressions may read; undefined: only a run knows. */
export function matrixNames(matrix: Matrix): Set<string> | undefined {
  if (matrix.includeFrom !== '') return undefined
  return new Set([...matrix.axes.map(({ name }) => name), ...matrix.include.flatMap((entry) => Object.keys(entry))])
}

const longestName = 128

/** "test (22, a)" */
export function copyName(name: string, values: MatrixValues): string {
  const full = `${name} (${Object.values(values).join(', ')})`
  return full.length <= longestName ? full : `${full.slice(0, longestName - 2)}…)`
}

/** A dot stands in no step's key, so no other step has this id. */
export function copyId(stepId: string, index: number): string {
  return `${stepId}.${index}`
}
