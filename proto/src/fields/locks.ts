// Names of what is had alone, or by a few at once: the locks of steps, and groups of runs. A step's locks are words where each is had
// alone; where one is not, all of them are { name, limit }, in a message of their own under the same key.
import { type StepDefinition, type StepLock, StepLockSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create } from '@bufbuild/protobuf'
import { isMap, isScalar, isSeq, type Node, type YAMLMap } from 'yaml'
import { hasExpression } from '../expression.ts'
import { hasControl, limits } from '../limits.ts'
import { type KeyTable, scalar } from '../pipeline-yaml/key-table.ts'
import { type Place, type Reader, scalarText } from '../pipeline-yaml/reader.ts'
import type { Tree } from '../pipeline-yaml/tree-value.ts'
import { type Performer, performerOf } from '../steps/index.ts'
import { say } from '../texts/say.ts'
import { readEach, valueAt } from './entries.ts'
import { compare, type DocumentReader, type DocumentValue, type Kind, type ReportValue } from './kind.ts'
import { words } from './kinds.ts'

/** Who does the steps that locks are for. */
export const lockedPerformers: readonly Performer[] = ['agent', 'controller']

export function locksHaveEffect(uses: string): boolean {
  return lockedPerformers.includes(performerOf(uses))
}

/** Also of what an expression has given. */
export function lockNameProblem(name: string): boolean {
  return name === '' || name.length > limits.lockName || hasControl(name) || name !== name.trim()
}

export interface WrittenLock {
  name: string
  limit: number
}

/** As its file says them, however they are kept. */
export function locksOfStep({ locks, limitedLocks }: Pick<StepDefinition, 'locks' | 'limitedLocks'>): WrittenLock[] {
  if (limitedLocks.length === 0) return locks.map((name) => ({ name, limit: 1 }))
  return limitedLocks.map(({ name, limit }) => ({ name, limit: limit || 1 }))
}

export function hasLocks({ locks, limitedLocks }: Pick<StepDefinition, 'locks' | 'limitedLocks'>): boolean {
  return locks.length + limitedLocks.length > 0
}

/** The fields of a step that say these. */
export function fieldsOfLocks(all: readonly WrittenLock[]): Pick<StepDefinition, 'locks' | 'limitedLocks'> {
  if (all.every(({ limit }) => limit === 1)) return { locks: all.map(({ name }) => name), limitedLocks: [] }
  return { locks: [], limitedLocks: all.map((each) => create(StepLockSchema, each)) }
}

export const lockKeys: KeyTable = {
  name: { description: 'The name of the lock; may hold ${{ }}.', schema: scalar },
  limit: {
    description: 'How many steps may hold it at once, as far as this one is concerned; 1 when absent.',
    schema: { type: 'integer', minimum: 1, maximum: limits.runsOfAGroup },
  },
}

const one = { anyOf: [scalar, { $ref: '#/$defs/lock' }] }
const schema = { anyOf: [scalar, { type: 'array', items: one }] }

function checkNames(names: readonly string[], report: ReportValue): void {
  if (names.some((name) => !hasExpression(name) && lockNameProblem(name))) {
    report({ code: 'lock', said: say('lock_name', { most: limits.lockName }) })
  }
  const most = limits.locksOfAStep
  if (names.length > most) report({ code: 'limit', said: say('many_words', { most, noun: 'locks' }) })
}

const plain = words(checkNames, 'template')

/** Each had alone. */
export const locks: Kind<string[]> = {
  ...plain,
  name: 'locks',
  schema,
  read(reader, node, key, place) {
    const maps = mapsIn(reader, node, place)
    if (maps.some(isLimited)) return undefined
    if (maps.length === 0) return plain.read(reader, node, key, place)
    return readEach(reader, node, place, readLock).map(({ name }) => name)
  },
  fromDocument: (document, key) => (limited(document, key).length > 0 ? [] : plain.fromDocument(document, key)),
}

/** All of a step, where one of them is not had alone. */
export const limitedLocks: Kind<StepLock[]> = {
  name: 'limitedLocks',
  schema,
  absent: [],
  read: (reader, node, _key, place) =>
    mapsIn(reader, node, place).some(isLimited) ? readEach(reader, node, place, readLock) : undefined,
  write: (value) => (value.length > 0 ? value.map(treeOf) : undefined),
  canonical: (value) => {
    // As a run takes one that is named twice: the smallest limit counts.
    const limitOf = new Map<string, number>()
    for (const { name, limit } of value) limitOf.set(name, Math.min(limitOf.get(name) ?? Infinity, limit || 1))
    return [...limitOf].sort(([a], [b]) => compare(a, b)).map(([name, limit]) => ({ name, limit }))
  },
  suffixes: ['.limited'],
  toDocument: (value): Record<string, DocumentValue> =>
    value.length > 0 ? { '.limited': value.map(({ name, limit }) => ({ name, limit: limit || 1 })) } : {},
  fromDocument: limited,
  expressions: 'template',
  check(value, report) {
    checkNames(
      value.map(({ name }) => name),
      report,
    )
    if (value.some(({ limit }) => limit > limits.runsOfAGroup)) {
      report({ code: 'limit', said: say('lock_limit', { most: limits.runsOfAGroup }) })
    }
  },
}

function mapsIn(reader: Reader, node: Node | null, place: Place): YAMLMap[] {
  const items = isSeq(node) ? node.items.map((item) => reader.follow(item, place)) : [node]
  return items.filter((item) => isMap(item))
}

/** It says more than a name. */
function isLimited(map: YAMLMap): boolean {
  return map.items.some(({ key, value }) => {
    const isOne = isScalar(key) && key.value === 'limit' && isScalar(value) && value.value === 1
    return !isOne && !(isScalar(key) && key.value === 'name')
  })
}

function limited(document: DocumentReader, key: string): StepLock[] {
  const value = document.get(`${key}.limited`)
  if (!Array.isArray(value)) return []
  return value.flatMap((each: unknown) => {
    if (typeof each !== 'object' || each === null) return []
    const { name, limit } = each as { name?: unknown; limit?: unknown }
    const most = typeof limit === 'number' && Number.isFinite(limit) ? Math.round(limit) : 1
    if (typeof name !== 'string') return []
    return [create(StepLockSchema, { name, limit: Math.min(limits.runsOfAGroup, Math.max(1, most)) })]
  })
}

function treeOf({ name, limit }: StepLock): Tree {
  return (limit || 1) === 1
    ? name
    : new Map<string, Tree>([
        ['name', name],
        ['limit', limit],
      ])
}

function readLock(reader: Reader, node: Node | null, place: Place): StepLock | undefined {
  if (isScalar(node) && node.value !== null) return create(StepLockSchema, { name: scalarText(node), limit: 1 })
  const before = reader.problems.length
  const entries = reader.known(node, { keys: lockKeys, noun: 'lock' }, place)
  const at = valueAt(reader, entries, place)
  const name = entries.has('name') ? reader.text(...at('name')) : ''
  if (!name) {
    if (reader.problems.length === before) {
      reader.report(say('lock_entry', { example: '{ name: gpu, limit: 2 }' }), node, place, 'type')
    }
    return undefined
  }
  return create(StepLockSchema, { name, limit: entries.has('limit') ? readLimit(reader, ...at('limit')) : 1 })
}

function readLimit(reader: Reader, node: Node | null, what: string, place: Place): number {
  const limit = reader.number(node, what, place)
  if (limit === undefined) return 1
  if (Number.isInteger(limit) && limit >= 1 && limit <= limits.runsOfAGroup) return limit
  reader.report(say('lock_limit', { most: limits.runsOfAGroup }), node, place, 'limit')
  return 1
}
