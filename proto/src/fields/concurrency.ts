// Which runs wait for each other: a number or a group in the file, or { group, limit, queue, cancelInProgress }.
import { type Concurrency, ConcurrencyQueue, ConcurrencySchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create } from '@bufbuild/protobuf'
import { isScalar, type Node } from 'yaml'
import { hasExpression } from '../expression.ts'
import { limits } from '../limits.ts'
import { type KeyTable, scalar } from '../pipeline-yaml/key-table.ts'
import { type Place, type Reader, scalarText } from '../pipeline-yaml/reader.ts'
import type { Tree, TreeMap } from '../pipeline-yaml/tree-value.ts'
import { say } from '../texts/say.ts'
import { type DocumentReader, type DocumentValue, type Kind, textOf } from './kind.ts'
import { choice } from './kinds.ts'
import { lockNameProblem } from './locks.ts'

export const concurrencyQueue = choice(ConcurrencyQueue, {
  all: ConcurrencyQueue.ALL,
  newest: ConcurrencyQueue.NEWEST,
})

const limitSchema = { type: 'integer', minimum: 1, maximum: limits.runsOfAGroup }

export const concurrencyKeys: KeyTable = {
  group: {
    description:
      'Runs of the project with the same group wait for each other; may hold ${{ }}. The pipeline itself when absent.',
    schema: scalar,
  },
  limit: { description: 'How many of them run at once; 1 when absent.', schema: limitSchema },
  queue: {
    description: 'Those that wait when another comes: all stay, in order (the default), or only the newest does.',
    schema: concurrencyQueue.schema,
  },
  cancelInProgress: { description: 'A new run cancels those before it.', schema: { type: 'boolean' } },
}

export const concurrency: Kind<Concurrency | undefined> = {
  name: 'concurrency',
  schema: { anyOf: [limitSchema, { type: 'string', minLength: 1 }, { $ref: '#/$defs/concurrency' }] },
  absent: undefined,
  read,
  write: (value) => (value === undefined ? undefined : treeOf(value)),
  canonical: (value) =>
    value === undefined
      ? null
      : {
          group: value.group,
          limit: value.limit || 1,
          queue: concurrencyQueue.canonical(value.queue),
          cancelInProgress: value.cancelInProgress,
        },
  suffixes: ['.limit', '.group', '.queue', '.cancelInProgress'],
  toDocument: (value): Record<string, DocumentValue> =>
    value === undefined
      ? {}
      : {
          '.limit': value.limit || 1,
          ...(value.group !== '' && { '.group': value.group }),
          ...(value.queue !== 0 && { '.queue': concurrencyQueue.word(value.queue) }),
          ...(value.cancelInProgress && { '.cancelInProgress': true }),
        },
  fromDocument,
  expressions: 'template',
  check(value, report) {
    if (value === undefined) return
    if (value.limit > limits.runsOfAGroup) {
      report({ code: 'limit', field: '.limit', said: say('group_limit', { most: limits.runsOfAGroup }) })
    }
    if (value.group !== '' && !hasExpression(value.group) && lockNameProblem(value.group)) {
      report({ code: 'group', field: '.group', said: say('group_name', { most: limits.lockName }) })
    }
  },
}

function fromDocument(document: DocumentReader, key: string): Concurrency | undefined {
  const [group, limit, queue, cancel] = ['group', 'limit', 'queue', 'cancelInProgress'].map((part) =>
    document.get(`${key}.${part}`),
  )
  if ([group, limit, queue, cancel].every((part) => part === undefined)) return undefined
  return create(ConcurrencySchema, {
    group: textOf(group),
    limit: document.whole(`${key}.limit`, limits.runsOfAGroup) || 1,
    queue: concurrencyQueue.value(textOf(queue)) ?? 0,
    cancelInProgress: cancel === true,
  })
}

function treeOf({ group, limit, queue, cancelInProgress }: Concurrency): Tree {
  const most = limit || 1
  const plain = queue === 0 && !cancelInProgress
  if (plain && group === '') return most
  if (plain && most === 1) return group
  const tree: TreeMap = new Map()
  if (group !== '') tree.set('group', group)
  if (most > 1) tree.set('limit', most)
  if (queue !== 0) tree.set('queue', concurrencyQueue.word(queue))
  if (cancelInProgress) tree.set('cancelInProgress', true)
  return tree
}

function read(reader: Reader, node: Node | null, key: string, place: Place): Concurrency | undefined {
  if (isScalar(node) && node.value !== null) {
    if (typeof node.value !== 'number') return create(ConcurrencySchema, { group: scalarText(node), limit: 1 })
    return create(ConcurrencySchema, { limit: readLimit(reader, node, key, place) })
  }
  const entries = reader.known(node, { keys: concurrencyKeys, noun: key }, place)
  const at = (part: string): [Node | null, string, Place] => [
    entries.get(part)?.value ?? null,
    part,
    reader.inside(place, part),
  ]
  const found = create(ConcurrencySchema, { limit: 1 })
  if (entries.has('group')) found.group = reader.text(...at('group')) ?? ''
  if (entries.has('limit')) found.limit = readLimit(reader, ...at('limit'))
  if (entries.has('queue')) found.queue = concurrencyQueue.read(reader, ...at('queue')) ?? 0
  if (entries.has('cancelInProgress')) found.cancelInProgress = reader.boolean(...at('cancelInProgress')) ?? false
  return found
}

function readLimit(reader: Reader, node: Node | null, what: string, place: Place): number {
  const limit = reader.number(node, what, place)
  if (limit === undefined) return 1
  if (Number.isInteger(limit) && limit >= 1 && limit <= limits.runsOfAGroup) return limit
  reader.report(say('group_limit', { most: limits.runsOfAGroup }), node, place, 'limit')
  return 1
}
