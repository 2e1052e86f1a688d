// How a step is tried again: a number in the file, or { max, delay, backoff, jitter, on }.
import { type Retry, RetryOn, RetrySchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create } from '@bufbuild/protobuf'
import { isScalar, type Node } from 'yaml'
import { formatDuration } from '../duration.ts'
import { limits } from '../limits.ts'
import type { KeyTable } from '../pipeline-yaml/key-table.ts'
import type { Place, Reader } from '../pipeline-yaml/reader.ts'
import type { TreeMap } from '../pipeline-yaml/tree-value.ts'
import { readDuration } from '../pipeline-yaml/values.ts'
import { suggestion } from '../suggest.ts'
import { shortText } from '../texts/parts.ts'
import { say } from '../texts/say.ts'
import { type DocumentReader, type DocumentValue, type Kind, textsOf } from './kind.ts'
import { checkDuration, durationSchema, mostMs } from './kinds.ts'

/** The words of the file. */
export const retryReasons: Readonly<Record<string, RetryOn>> = {
  failed: RetryOn.FAILED,
  timeout: RetryOn.TIMEOUT,
  lost: RetryOn.LOST,
}

export const retryKeys: KeyTable = {
  max: {
    description: 'Attempts after the first.',
    schema: { type: 'integer', minimum: 0, maximum: limits.retries },
  },
  delay: { description: 'The pause before the first retry, such as 10s.', schema: durationSchema },
  backoff: { description: 'Factor of the delay from one retry to the next.', schema: { type: 'number', minimum: 1 } },
  jitter: {
    description: 'How much of a delay is left to chance: 0.2 makes it up to a fifth longer or shorter.',
    schema: { type: 'number', minimum: 0, maximum: 1 },
  },
  on: {
    description: 'What is retried; failed and timeout when absent.',
    schema: {
      anyOf: [{ enum: Object.keys(retryReasons) }, { type: 'array', items: { enum: Object.keys(retryReasons) } }],
    },
  },
}

const usualReasons = [RetryOn.FAILED, RetryOn.TIMEOUT]

export const retry: Kind<Retry | undefined> = {
  name: 'retry',
  schema: { anyOf: [{ type: 'integer', minimum: 0, maximum: limits.retries }, { $ref: '#/$defs/retry' }] },
  absent: undefined,
  read: readRetry,
  // None at all is said too: a default may be for some.
  write: (value) => (value === undefined ? undefined : value.max === 0 ? 0 : retryTree(value)),
  canonical: (value) =>
    value === undefined || value.max === 0
      ? null
      : {
          max: value.max,
          delayMs: value.delayMs,
          backoff: value.backoff || 1,
          // It came later: what says nothing of it keeps its hash.
          ...(value.jitter > 0 && { jitter: value.jitter }),
          on: (value.on.length === 0 ? usualReasons : [...new Set(value.on)])
            .toSorted((a, b) => a - b)
            .map((on) => RetryOn[on]!),
        },
  suffixes: ['.max', '.delay', '.backoff', '.jitter', '.on'],
  toDocument: documentOf,
  fromDocument: retryOf,
  expressions: 'none',
  check(value, report) {
    if (value === undefined) return
    if (value.max > limits.retries) {
      report({ code: 'retry', field: '.max', said: say('retries', { most: limits.retries }) })
    }
    if (!Number.isFinite(value.backoff) || (value.backoff !== 0 && value.backoff < 1) || value.backoff > 100) {
      report({ code: 'retry', field: '.backoff', said: say('backoff') })
    }
    if (!(value.jitter >= 0 && value.jitter <= 1)) report({ code: 'retry', field: '.jitter', said: say('jitter') })
    checkDuration(value.delayMs, (finding) => report({ ...finding, field: '.delay' }))
  },
}

function documentOf(value: Retry | undefined): Record<string, DocumentValue> {
  if (value === undefined) return {}
  const on = value.on.flatMap((reason) => Object.keys(retryReasons).filter((word) => retryReasons[word] === reason))
  return {
    '.max': value.max,
    ...(value.delayMs > 0 && { '.delay': value.delayMs }),
    ...(value.backoff !== 0 && { '.backoff': value.backoff }),
    ...(value.jitter !== 0 && { '.jitter': value.jitter }),
    ...(on.length > 0 && { '.on': on }),
  }
}

function retryOf(document: DocumentReader, key: string): Retry | undefined {
  const max = `${key}.max`
  const delay = `${key}.delay`
  const backoff = document.get(`${key}.backoff`)
  const jitter = document.get(`${key}.jitter`)
  const on = document.get(`${key}.on`)
  if ([document.get(max), document.get(delay), backoff, jitter, on].every((value) => value === undefined))
    return undefined
  return create(RetrySchema, {
    max: document.whole(max, limits.retries),
    delayMs: document.whole(delay, mostMs),
    backoff: typeof backoff === 'number' && Number.isFinite(backoff) ? Math.max(0, backoff) : 0,
    jitter: typeof jitter === 'number' && Number.isFinite(jitter) ? Math.min(1, Math.max(0, jitter)) : 0,
    on: textsOf(on).flatMap((word) => (Object.hasOwn(retryReasons, word) ? [retryReasons[word]!] : [])),
  })
}

function retryTree({ max, delayMs, backoff, jitter, on }: Retry): TreeMap {
  const tree: TreeMap = new Map([['max', max]])
  if (delayMs > 0) tree.set('delay', formatDuration(delayMs))
  if (backoff !== 0) tree.set('backoff', backoff)
  if (jitter !== 0) tree.set('jitter', jitter)
  if (on.length > 0)
    tree.set(
      'on',
      [...new Set(on)].map((each) => RetryOn[each]!.toLowerCase()),
    )
  return tree
}

function readRetry(reader: Reader, node: Node | null, key: string, place: Place): Retry | undefined {
  if (isScalar(node)) {
    const max = count(reader, node, key, place)
    return max === undefined ? undefined : create(RetrySchema, { max })
  }
  const entries = reader.known(node, { keys: retryKeys, noun: key }, place)
  const value = (part: string): [Node | null, Place] => [
    entries.get(part)?.value ?? null,
    { ...place, field: `${key}.${part}` },
  ]
  const read = create(RetrySchema)
  const max = value('max')
  if (entries.has('max')) read.max = count(reader, max[0], 'max', max[1]) ?? 0
  else reader.report(say('retry_max'), node, place, 'retry')
  if (entries.has('delay')) read.delayMs = readDuration(reader, ...value('delay')) ?? 0
  if (entries.has('backoff')) {
    const [backoff, at] = value('backoff')
    read.backoff = reader.number(backoff, 'backoff', at) ?? 0
  }
  if (entries.has('jitter')) {
    const [jitter, at] = value('jitter')
    read.jitter = reader.number(jitter, 'jitter', at) ?? 0
  }
  if (entries.has('on')) {
    const [on, at] = value('on')
    for (const word of reader.words(on, 'on', at)) {
      const reason = Object.hasOwn(retryReasons, word) ? retryReasons[word] : undefined
      if (reason !== undefined) read.on.push(reason)
      else {
        const hint = suggestion(word, Object.keys(retryReasons))
        reader.report(say('retry_on', { name: shortText(word), ...hint }), on, at, 'retry')
      }
    }
  }
  return read
}

function count(reader: Reader, node: Node | null, what: string, place: Place): number | undefined {
  const value = reader.number(node, what, place)
  if (value === undefined) return undefined
  if (Number.isInteger(value) && value >= 0 && value <= 1_000_000) return value
  reader.report(say('want_count', { key: what, most: limits.retries }), node, place, 'retry')
  return undefined
}
