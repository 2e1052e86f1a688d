// When a pipeline starts because somebody posts to its address: what is taken, and what of it becomes inputs. One value in the document.
import { type Webhook, WebhookSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create, toJson } from '@bufbuild/protobuf'
import { isScalar, type Node } from 'yaml'
import { limits } from '../limits.ts'
import { type KeyTable, words } from '../pipeline-yaml/key-table.ts'
import type { Place, Reader } from '../pipeline-yaml/reader.ts'
import type { TreeMap } from '../pipeline-yaml/tree-value.ts'
import { shortText } from '../texts/parts.ts'
import { say } from '../texts/say.ts'
import { givenTree, messagesOf, readGiven, valueAt } from './entries.ts'
import type { DocumentValue, Kind } from './kind.ts'
import { condition, readCondition } from './kinds.ts'

export const webhookKeys: KeyTable = {
  filter: {
    description:
      'CEL that reads body and headers: what it is false for starts nothing, e.g. body.ref == "refs/heads/main".',
    schema: condition.schema,
  },
  inputs: {
    description: 'Of the runs it starts, by name; ${{ }} reads body and headers.',
    schema: { type: ['object', 'null'] },
  },
  headers: { description: 'Headers that filter and inputs read, such as x-event-key.', schema: words },
  delivery: {
    description: 'The header whose value names a delivery: what comes twice starts one run.',
    schema: { type: 'string' },
  },
  signature: {
    description:
      'The header with the HMAC-SHA256 of the body under the secret, which then does not stand in the address.',
    schema: { type: 'string' },
  },
}

export const webhook: Kind<Webhook | undefined> = {
  name: 'webhook',
  schema: { anyOf: [{ $ref: '#/$defs/webhook' }, { type: ['boolean', 'null'] }] },
  absent: undefined,
  read: readWebhook,
  write: (value) => value && webhookTree(value),
  canonical: (value) =>
    value
      ? {
          filter: value.filter,
          inputs: value.inputs ?? {},
          headers: [...value.headers].sort(),
          delivery: value.deliveryHeader,
          signature: value.signatureHeader,
        }
      : null,
  suffixes: [''],
  toDocument: (value): Record<string, DocumentValue> =>
    value ? { '': toJson(WebhookSchema, value) as DocumentValue } : {},
  fromDocument(document, key) {
    const value = document.get(key)
    return value === undefined ? undefined : messagesOf(WebhookSchema, value)[0]
  },
  expressions: 'none',
  check(value, report) {
    if (!value) return
    const { headers, deliveryHeader, signatureHeader } = value
    if (headers.length > limits.webhookHeaders) {
      report({ code: 'limit', field: '.headers', said: say('many_headers', { most: limits.webhookHeaders }) })
    }
    const named = { headers, delivery: [deliveryHeader], signature: [signatureHeader] }
    for (const [field, names] of Object.entries(named)) {
      const wrong = names.find((name) => name !== '' && !headerName.test(name))
      if (wrong !== undefined) report({ field: `.${field}`, said: say('header_name', { name: shortText(wrong) }) })
      else if (names.some((name) => secretHeaders.has(name))) {
        report({
          field: `.${field}`,
          said: say('header_secret', { name: names.find((name) => secretHeaders.has(name))! }),
        })
      }
    }
  },
}

const headerName = /^[a-z0-9!#$%&'*+.^_`|~-]{1,100}$/
/** Whoever reads the pipeline's runs would see them. */
const secretHeaders: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization'])

function webhookTree({ filter, inputs, headers, deliveryHeader, signatureHeader }: Webhook): TreeMap {
  const tree: TreeMap = new Map()
  if (filter !== '') tree.set('filter', filter)
  const given = givenTree(inputs)
  if (given !== undefined) tree.set('inputs', given)
  if (headers.length > 0) tree.set('headers', [...headers])
  if (deliveryHeader !== '') tree.set('delivery', deliveryHeader)
  if (signatureHeader !== '') tree.set('signature', signatureHeader)
  return tree
}

/** `webhook: true` takes all. */
function readWebhook(reader: Reader, node: Node | null, key: string, place: Place): Webhook | undefined {
  if (node === null || (isScalar(node) && node.value === null)) return create(WebhookSchema)
  if (isScalar(node) && typeof node.value === 'boolean') return node.value ? create(WebhookSchema) : undefined
  const entries = reader.known(node, { keys: webhookKeys, noun: key }, place)
  const at = valueAt(reader, entries, place)
  const header = (name: string) => (entries.has(name) ? (reader.text(...at(name)) ?? '').toLowerCase() : '')
  const inputs = readGiven(reader, ...at('inputs'))
  return create(WebhookSchema, {
    filter: entries.has('filter') ? readCondition(reader, ...at('filter')) : '',
    headers: entries.has('headers') ? reader.words(...at('headers')).map((name) => name.toLowerCase()) : [],
    deliveryHeader: header('delivery'),
    signatureHeader: header('signature'),
    ...(inputs && { inputs }),
  })
}
