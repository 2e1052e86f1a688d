// The form of a matrix: values as people type them, and what its fields make of the document's values.
import { type AxisValue, valuesOf } from '@ansflow/proto/fields/matrix'
import type { Matrix } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { isKnownMatrix, knownCopies } from '@ansflow/proto/matrix'
import type { JsonObject } from '@bufbuild/protobuf'

export type MatrixValue = string | number | boolean

/** More are said to be many. */
const manyCopies = 50

/** A text that would be read as something else stands in quotes. */
export function valueText(value: unknown): string {
  return typeof value === 'string' && readValue(value) === value ? value : JSON.stringify(value)
}

/** As the file would read it: 22 and true are no texts, "22" in quotes is one. */
export function readValue(text: string): MatrixValue {
  const written = text.trim()
  if (written === 'true' || written === 'false') return written === 'true'
  if (/^-?(0|[1-9]\d*)(\.\d*[1-9])?$/.test(written) && String(Number(written)) === written) return Number(written)
  if (/^".*"$/s.test(written)) {
    try {
      return String(JSON.parse(written))
    } catch {
      return written
    }
  }
  return written
}

/** An expression gives the whole list, a list its values. */
export function axisOf(name: string, texts: readonly string[]): AxisValue {
  const [only] = texts
  if (texts.length === 1 && only && /^\$\{\{.*\}\}$/s.test(only)) return { name, from: only }
  return { name, values: texts.map(readValue) }
}

export function axesOf(matrix: Matrix | undefined): AxisValue[] {
  return (matrix?.axes ?? []).map((axis) =>
    axis.from === ''
      ? { name: axis.name, values: valuesOf(axis) as MatrixValue[] }
      : { name: axis.name, from: axis.from },
  )
}

/** A name that no axis has yet. */
export function freeAxisName(axes: readonly AxisValue[]): string {
  const taken = new Set(axes.map(({ name }) => name))
  for (let number = 1; ; number++) {
    const name = number === 1 ? 'axis' : `axis${number}`
    if (!taken.has(name)) return name
  }
}

export interface CopyCount {
  /** Undefined: only a run knows. */
  count: number | undefined
  many: boolean
}

/** Kept: every change of a pipeline asks it of all of its steps. */
const counted = new Map<string, CopyCount>()
const mostCounted = 1000

export function countCopies(matrix: Matrix): CopyCount {
  const { axes, include, exclude } = matrix
  if (!isKnownMatrix(matrix)) return { count: undefined, many: false }
  const key = JSON.stringify([axes, include, exclude])
  let found = counted.get(key)
  if (!found) {
    if (counted.size >= mostCounted) counted.clear()
    const count = countOf(matrix)
    found = { count, many: count > manyCopies }
    counted.set(key, found)
  }
  return found
}

function countOf(matrix: Matrix): number {
  try {
    return knownCopies(matrix).length
  } catch {
    return 0
  }
}

/** The columns of a table of entries: the axes, then what the entries name besides. */
export function columnsOf(axes: readonly AxisValue[], entries: readonly JsonObject[]): string[] {
  return [...new Set([...axes.map(({ name }) => name), ...entries.flatMap((entry) => Object.keys(entry))])]
}

/** With one value of one line changed; empty takes it out. */
export function withCell(entries: readonly JsonObject[], line: number, name: string, text: string): JsonObject[] {
  return entries.map((entry, index) => {
    if (index !== line) return entry
    const { [name]: _, ...others } = entry
    return text.trim() === '' ? others : { ...others, [name]: readValue(text) }
  })
}
