// Where others post to. Whoever does not know the secret learns nothing: not whether there is such an address, nor what it wants.
import type { IncomingHttpHeaders } from 'node:http'
import { AppError } from '@ansflow/proto/errors'
import { ExpressionError } from '@ansflow/proto/expression'
import type { Webhook } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { DeliveryResult } from '@ansflow/proto/gen/ansflow/v1/webhooks_pb'
import { limits } from '@ansflow/proto/limits'
import { type Said, say } from '@ansflow/proto/texts/say'
import { givenInputs, takes } from '@ansflow/proto/triggers/trigger-inputs'
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Keys } from '../../platform/crypto.ts'
import type { Db } from '../../platform/db.ts'
import { meter } from '../../platform/rate.ts'
import { isSecret, isSignature } from '../../platform/signed.ts'
import type { Answer, PostRequest, PostRoute } from '../../transport/routes.ts'
import { keepDelivery, type Refusal, refusedBy } from './deliveries.ts'
import { WebhookEntity, type WebhookRow } from './webhook.entity.ts'
import { definitionOf } from './webhook-keeper.ts'
import { secretOf } from './webhook-secret.ts'

export interface HooksDeps {
  db: Db
  bus: Bus
  clock: Clock
  keys: Keys
}

interface Known {
  row: WebhookRow
  webhook: Webhook
}

/** Of one address, whoever posts. */
const most = { perSecond: 10, burst: 100 }
/** In the place of the secret where the body is signed. */
export const signedWord = 'signed'

export function hooksRoute(deps: HooksDeps): PostRoute {
  const { db, keys } = deps
  const rate = meter(most)
  const known = new WeakMap<PostRequest, Known>()

  async function find({ params, body, headers }: PostRequest): Promise<Known | undefined> {
    const { hook = '', secret: given = '' } = params
    const row = await db.em().findOne(WebhookEntity, { id: hook })
    const webhook = row ? definitionOf(row) : undefined
    const secret = row ? secretOf(keys, row) : undefined
    if (!row || !webhook || secret === undefined) return undefined
    const { signatureHeader } = webhook
    const isRight = signatureHeader
      ? given === signedWord && isSignature(headerOf(headers, signatureHeader), body, secret)
      : isSecret(given, secret)
    return isRight ? { row, webhook } : undefined
  }

  return {
    method: 'POST',
    path: '/hooks/:hook/:secret',
    bodyLimit: limits.webhookBytes,
    access: {
      async signed(request) {
        const found = await find(request)
        if (!found) throw new AppError('not_found', 'There is nothing here.')
        const waitMs = rate.waitMs(found.row.id)
        if (waitMs > 0) {
          const seconds = String(Math.ceil(waitMs / 1000))
          throw new AppError('resource_exhausted', `Too much in a short time. Try again in ${seconds} s.`, {
            reason: 'too_fast',
            params: { retry_after: seconds },
          })
        }
        rate.spend(found.row.id, 1)
        known.set(request, found)
      },
    },
    handle: (request) => take(deps, known.get(request)!, request),
  }
}

async function take(deps: HooksDeps, { row, webhook }: Known, request: PostRequest): Promise<Answer> {
  const { headers } = request
  const name = webhook.deliveryHeader ? headerOf(headers, webhook.deliveryHeader).slice(0, 255) : ''
  const read = readBody(webhook, request)
  const kept = await keepDelivery(deps.db, { row, name: name || null, receivedAt: deps.clock.now(), ...read })
  if (kept.again) return answer(200, { delivery: kept.id, skipped: 'again' })
  if (read.result === DeliveryResult.FILTERED) return answer(200, { delivery: kept.id, skipped: 'filter' })
  if (read.result === DeliveryResult.REFUSED) return answer(400, { delivery: kept.id, error: read.problem?.text ?? '' })
  deps.bus.publish('hook.due', {})
  return answer(202, { delivery: kept.id })
}

interface Read {
  result: DeliveryResult
  inputs: JsonObject | null
  problem: Refusal | undefined
}

/** What becomes of it, by the file alone. */
function readBody(webhook: Webhook, { body, headers }: PostRequest): Read {
  const refused = (said: Said): Read => ({ result: DeliveryResult.REFUSED, inputs: null, problem: refusedBy(said) })
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(headers['content-type'] ?? '')) {
    return refused(say('hook_type'))
  }
  let value: JsonValue
  try {
    value = JSON.parse(body.toString('utf8')) as JsonValue
  } catch {
    return refused(say('hook_json'))
  }
  const event = {
    body: value,
    headers: Object.fromEntries(webhook.headers.map((name) => [name, headerOf(headers, name)])),
  }
  let at: 'filter' | 'inputs' = 'filter'
  try {
    if (!takes(webhook.filter, event)) return { result: DeliveryResult.FILTERED, inputs: null, problem: undefined }
    at = 'inputs'
    const inputs = givenInputs(webhook.inputs ?? {}, event)
    return { result: DeliveryResult.TAKEN, inputs, problem: undefined }
  } catch (error) {
    if (error instanceof ExpressionError) return refused(say('hook_unreadable', { at, problem: error.said }))
    // Lists in lists without end.
    if (error instanceof RangeError) return refused(say('hook_deep'))
    throw error
  }
}

function headerOf(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name]
  return Array.isArray(value) ? value.join(', ') : (value ?? '')
}

function answer(status: number, body: Record<string, string>): Answer {
  return { status, contentType: 'application/json; charset=utf-8', body: JSON.stringify(body) }
}
