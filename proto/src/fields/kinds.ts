// The kinds of fields that are one plain value.
import { isMap, isScalar, isSeq, type Node } from 'yaml'
import { formatDuration } from '../duration.ts'
import { hasExpression, parseTemplate } from '../expression.ts'
import { limits } from '../limits.ts'
import { type JsonSchema, scalar, words as wordsSchema } from '../pipeline-yaml/key-table.ts'
import { type Place, type Reader, scalarText } from '../pipeline-yaml/reader.ts'
import { readTimeout } from '../pipeline-yaml/values.ts'
import { nearest } from '../suggest.ts'
import { say } from '../texts/say.ts'
import { compare, type DocumentValue, type Kind, textOf, textsOf } from './kind.ts'

const onePlace = ['']

export function text(
  {
    schema = scalar,
    lines = false,
    means = '',
    expressions = 'none',
  }: { schema?: JsonSchema; lines?: boolean; means?: string; expressions?: 'none' | 'template' } = {},
  check?: Kind<string>['check'],
): Kind<string> {
  return {
    name: lines ? 'lines' : 'text',
    schema,
    absent: '',
    read: (reader, node, key, place) => reader.text(node, key, place),
    write: (value) => (value === '' ? undefined : value),
    canonical: (value) => value || means,
    suffixes: onePlace,
    toDocument: (value): Record<string, DocumentValue> => (value === '' ? {} : { '': value }),
    fromDocument: (document, key) => textOf(document.get(key)),
    expressions,
    ...(check && { check }),
  }
}

export const flag: Kind<boolean> = {
  name: 'flag',
  schema: { type: 'boolean' },
  absent: false,
  read: (reader, node, key, place) => reader.boolean(node, key, place),
  write: (value) => value || undefined,
  canonical: (value) => value,
  suffixes: onePlace,
  toDocument: (value): Record<string, DocumentValue> => (value ? { '': true } : {}),
  fromDocument: (document, key) => document.get(key) === true,
  expressions: 'none',
}

/** What is allowed unless the file says false. */
export const refusal: Kind<boolean | undefined> = {
  name: 'refusal',
  schema: { type: ['boolean', 'null'] },
  absent: undefined,
  read: (reader, node, key, place) =>
    node === null || (isScalar(node) && node.value === null) ? undefined : allowed(reader.boolean(node, key, place)),
  write: (value) => (value === false ? false : undefined),
  canonical: (value) => value ?? true,
  suffixes: onePlace,
  toDocument: (value): Record<string, DocumentValue> => (value === false ? { '': false } : {}),
  fromDocument: (document, key) => allowed(document.get(key) === false ? false : undefined),
  expressions: 'none',
}

function allowed(value: boolean | undefined): false | undefined {
  return value === false ? false : undefined
}

/** A whole number from one to another; 0 where nothing is said. */
export function integer(least: number, most: number): Kind<number> {
  const fits = (value: number) => Number.isInteger(value) && value >= least && value <= most
  const range = say('integer_range', { least, most })
  return {
    name: 'integer',
    schema: { type: 'integer', minimum: least, maximum: most },
    absent: 0,
    read(reader, node, key, place) {
      const value = reader.number(node, key, place)
      if (value === undefined || fits(value)) return value
      reader.report(range, node, place, 'limit')
      return undefined
    },
    write: (value) => (value === 0 ? undefined : value),
    canonical: (value) => value,
    suffixes: onePlace,
    toDocument: (value): Record<string, DocumentValue> => (value === 0 ? {} : { '': value }),
    fromDocument(document, key) {
      const value = document.get(key)
      return typeof value === 'number' && Number.isFinite(value)
        ? Math.min(most, Math.max(least, Math.round(value)))
        : 0
    },
    expressions: 'none',
    check(value, report) {
      if (!fits(value)) report({ code: 'limit', said: range })
    },
  }
}

/** The most a message's field can hold. */
export const mostMs = 2 ** 32 - 1

export const durationSchema: JsonSchema = {
  anyOf: [
    { type: 'string', pattern: '^\\s*(\\d+(\\.\\d+)?(ms|s|m|h|d))+\\s*$|^\\s*\\d+(\\.\\d+)?\\s*$' },
    { type: 'number', minimum: 0 },
  ],
}

/** Milliseconds after which something is ended; 0: never. */
export const timeout: Kind<number> = {
  name: 'duration',
  schema: durationSchema,
  absent: 0,
  read: (reader, node, _key, place) =>
    isScalar(node) && hasExpression(scalarText(node)) ? undefined : readTimeout(reader, node, place),
  write: (value) => (value > 0 ? formatDuration(value) : undefined),
  canonical: (value) => value,
  suffixes: onePlace,
  toDocument: (value): Record<string, DocumentValue> => (value > 0 ? { '': value } : {}),
  fromDocument: (document, key) => (document.get(`${key}.expression`) ? 0 : document.whole(key, mostMs)),
  expressions: 'none',
  check: checkDuration,
}

/** The same where no expression can give it. */
export const duration: Kind<number> = {
  ...timeout,
  read: (reader, node, _key, place) => readTimeout(reader, node, place),
  fromDocument: (document, key) => document.whole(key, mostMs),
}

export function checkDuration(ms: number, report: Parameters<NonNullable<Kind<number>['check']>>[1]): void {
  if (ms > limits.durationMs) report({ code: 'duration', said: say('duration_long') })
}

/** The timeout where the file has an expression for it: beside `timeout`, under the same key. */
export const timeoutExpression: Kind<string> = {
  ...text({ schema: { anyOf: [durationSchema, { type: 'string', pattern: '\\$\\{\\{' }] } }),
  name: 'durationExpression',
  read: (_reader, node) => (isScalar(node) && hasExpression(scalarText(node)) ? scalarText(node) : undefined),
  suffixes: ['.expression'],
  toDocument: (value): Record<string, DocumentValue> => (value === '' ? {} : { '.expression': value }),
  fromDocument: (document, key) => textOf(document.get(`${key}.expression`)),
  expressions: 'template',
}

/** A set of words. */
export function words(
  check: NonNullable<Kind<string[]>['check']>,
  expressions: 'none' | 'template' = 'none',
): Kind<string[]> {
  return {
    name: 'words',
    schema: wordsSchema,
    absent: [],
    read: (reader, node, key, place) => reader.words(node, key, place),
    write: (value) => (value.length > 0 ? [...value] : undefined),
    canonical: (value) => [...new Set(value)].sort(compare),
    suffixes: onePlace,
    toDocument: (value): Record<string, DocumentValue> => (value.length > 0 ? { '': [...value] } : {}),
    fromDocument: (document, key) => textsOf(document.get(key)),
    expressions,
    check,
  }
}

export interface Choice extends Kind<number> {
  name: 'choice'
  words: readonly string[]
  word(value: number): string
  value(word: string): number | undefined
}

/** One of the values of an enum, by their words in the file; the first is meant where nothing is said. */
export function choice(
  names: Record<number, string>,
  values: Record<string, number>,
  { writesUsual = false }: { writesUsual?: boolean } = {},
): Choice {
  const [[usualWord, usual] = ['', 0]] = Object.entries(values)
  const wordOf = (value: number) => Object.keys(values).find((word) => values[word] === value) ?? usualWord
  const numberOf = (word: string) => (Object.hasOwn(values, word) ? values[word] : undefined)
  const all = Object.keys(values)
  return {
    name: 'choice',
    words: all,
    word: wordOf,
    value: numberOf,
    schema: { enum: all },
    absent: 0,
    read(reader, node, key, place) {
      const word = readWord(reader, node, key, place, all)
      return word === undefined ? undefined : numberOf(word)
    },
    write: (value) => (value === 0 || (value === usual && !writesUsual) ? undefined : wordOf(value)),
    canonical: (value) => names[value || usual] ?? '',
    suffixes: onePlace,
    toDocument: (value): Record<string, DocumentValue> => (value === 0 ? {} : { '': wordOf(value) }),
    fromDocument: (document, key) => numberOf(textOf(document.get(key))) ?? 0,
    expressions: 'none',
  }
}

/** One of these words. */
export function readWord(
  reader: Reader,
  node: Node | null,
  what: string,
  place: Place,
  all: readonly string[],
): string | undefined {
  const word = reader.text(node, what, place)
  if (word === undefined || all.includes(word)) return word
  const said = say('want_choice', { key: what, options: all.join(', '), ...reader.got(node), near: nearest(word, all) })
  reader.report(said, node, place, 'choice')
  return undefined
}

/** CEL with or without `${{ }}` around it; kept without. */
export const condition: Kind<string> = {
  ...text(),
  name: 'condition',
  read: readCondition,
  expressions: 'condition',
}

export function readCondition(reader: Reader, node: Node | null, what: string, place: Place): string {
  if (isMap(node) || isSeq(node)) {
    reader.report(say('condition_form', { key: what, ...reader.got(node) }), node, place, 'type')
    return ''
  }
  const written = (reader.text(node, what, place) ?? '').trim()
  if (written === '') {
    reader.report(say('condition_empty', { key: what }), node, place, 'expression')
    return ''
  }
  if (!written.includes('${{')) return written
  const { parts, error } = parseTemplate(written)
  const [only] = parts
  if (error === undefined && parts.length === 1 && only?.kind === 'expression') return only.source
  reader.report(error ?? say('condition_one', { key: what }), node, place, 'expression')
  return ''
}
