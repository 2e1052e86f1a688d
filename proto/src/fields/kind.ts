// What a field of a pipeline or a step can be, in each of the places where it stands: file, document, hash, schema. A field
// (step-fields.ts, pipeline-fields.ts) names its kind, and everything else follows from that.
import type { JsonValue } from '@bufbuild/protobuf'
import type { Node } from 'yaml'
import type { JsonSchema } from '../pipeline-yaml/key-table.ts'
import type { Place, Reader } from '../pipeline-yaml/reader.ts'
import type { Tree } from '../pipeline-yaml/tree-value.ts'
import type { Said } from '../texts/say.ts'

/** A value as the document keeps it in one piece. */
export type DocumentValue = null | boolean | number | string | DocumentValue[] | { [key: string]: DocumentValue }

/** One map of the document. */
export interface DocumentReader {
  get(key: string): unknown
  /** A whole number from 0 to `most`; what is outside is moved to the nearest end, and said. */
  whole(key: string, most: number): number
}

/** Tells what is wrong with a value; `field` is what follows the field's key. */
export type ReportValue = (finding: { said: Said; code?: string; field?: string; warning?: boolean }) => void

export interface Kind<T> {
  /** Which widget edits it, and which random values the tests make of it. */
  readonly name:
    | 'text'
    | 'lines'
    | 'condition'
    | 'flag'
    | 'integer'
    | 'duration'
    | 'words'
    | 'choice'
    | 'retry'
    | 'needs'
    | 'env'
    | 'matrix'
    | 'durationExpression'
    | 'schedules'
    | 'outputs'
    | 'defaults'
    | 'runTriggers'
    | 'webhook'
    | 'push'
    | 'pullRequest'
    | 'comments'
    | 'release'
    | 'refusal'
    | 'concurrency'
    | 'locks'
    | 'limitedLocks'
    | 'templates'
    | 'includes'
    | 'environment'
    | 'reports'
  /** Of the value in the file. */
  readonly schema: JsonSchema
  /** What a message holds where the file says nothing. */
  readonly absent: T
  /** Undefined: nothing that could be read; it was reported. */
  read(reader: Reader, node: Node | null, key: string, place: Place): T | undefined
  /** As the file says it; undefined: it need not say it. */
  write(value: T): Tree | undefined
  /** The same for all values that mean the same. */
  canonical(value: T): JsonValue
  /** What follows the field's key in the document; each is merged by itself. Empty: the document keeps it in its own way. */
  readonly suffixes: readonly string[]
  /** By suffix; what is not there is left out. */
  toDocument(value: T): Record<string, DocumentValue>
  fromDocument(document: DocumentReader, key: string): T
  /** Whether it holds CEL, or text with `${{ }}` in it. */
  readonly expressions: 'none' | 'condition' | 'template'
  check?(value: T, report: ReportValue): void
}

/** Of values that the document keeps in its own way: needs are edges, variables have an order. */
export const ownWay = {
  suffixes: [],
  toDocument: () => ({}),
} as const

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

export function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

/** By UTF-16 units: the same on every machine, whatever its language. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
