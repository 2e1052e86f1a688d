// WebhookService.
import { randomBytes } from 'node:crypto'
import { precondition } from '@ansflow/proto/errors'
import {
  type PipelineWebhook,
  PipelineWebhookSchema,
  type WebhookDelivery,
  WebhookDeliverySchema,
  WebhookService,
} from '@ansflow/proto/gen/ansflow/v1/webhooks_pb'
import type { Said } from '@ansflow/proto/texts/say'
import { problemOf } from '@ansflow/proto/validate'
import { create, type JsonObject } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { Clock } from '../../platform/clock.ts'
import type { Keys } from '../../platform/crypto.ts'
import type { EntityManager } from '../../platform/db.ts'
import { personOf, type ServiceTable, serviceTable } from '../../transport/call.ts'
import { signedWord } from './hooks.route.ts'
import { DeliveryEntity, type DeliveryRow, WebhookEntity, type WebhookRow } from './webhook.entity.ts'
import { definitionOf } from './webhook-keeper.ts'
import { secretOf } from './webhook-secret.ts'

const shown = 50

export function webhooksApi({ clock, keys }: { clock: Clock; keys: Keys }): ServiceTable {
  return serviceTable(WebhookService, {
    async getWebhook({ pipelineId }, ctx) {
      const row = await ctx.em.findOne(WebhookEntity, { pipelineId })
      return row ? { webhook: toWebhook(row) } : {}
    },

    rotateWebhookSecret({ pipelineId }, ctx) {
      const by = personOf(ctx)
      return ctx.change(async (em) => {
        const row = await find(em, pipelineId)
        const before = { secret: row.mark !== null }
        const made = { mark: randomBytes(32).toString('hex'), madeByName: by.name.slice(0, 255), madeAt: clock.now() }
        await em.nativeUpdate(WebhookEntity, { id: row.id }, made)
        const now = { ...row, ...made }
        const secret = secretOf(keys, now)!
        const webhook = toWebhook(now)
        const path = webhook.signatureHeader ? webhook.path : webhook.path + secret
        return { result: { webhook, secret, path }, resource: resourceOf(row), before, after: { secret: true } }
      })
    },

    revokeWebhookSecret({ pipelineId }, ctx) {
      return ctx.change(async (em) => {
        const row = await find(em, pipelineId)
        const before = { secret: row.mark !== null }
        const none = { mark: null, madeByName: '', madeAt: null }
        await em.nativeUpdate(WebhookEntity, { id: row.id }, none)
        const result = { webhook: toWebhook({ ...row, ...none }) }
        return { result, resource: resourceOf(row), before, after: { secret: false } }
      })
    },

    async listDeliveries({ pipelineId }, ctx) {
      const rows = await ctx.em.find(DeliveryEntity, { pipelineId }, { orderBy: { id: 'desc' }, limit: shown })
      return { deliveries: rows.map(toDelivery) }
    },
  })
}

async function find(em: EntityManager, pipelineId: string): Promise<WebhookRow> {
  const row = await em.findOne(WebhookEntity, { pipelineId })
  if (row) return row
  throw precondition(
    'webhook_absent',
    'No version of this pipeline has a webhook. Publish a file with `on: { webhook }` first.',
  )
}

function resourceOf({ id, pipelineId }: WebhookRow) {
  return { kind: 'webhook', id, name: pipelineId }
}

function toWebhook(row: WebhookRow): PipelineWebhook {
  const { id, mark, madeByName, madeAt } = row
  const webhook = definitionOf(row)
  const signatureHeader = webhook?.signatureHeader ?? ''
  return create(PipelineWebhookSchema, {
    id,
    active: webhook !== undefined,
    signatureHeader,
    path: `/hooks/${id}/${signatureHeader ? signedWord : ''}`,
    ...(mark !== null && { secret: { madeByName, ...(madeAt && { madeAt: timestampFromDate(madeAt) }) } }),
  })
}

function toDelivery({ id, receivedAt, name, inputs, result, runId, problem, said }: DeliveryRow): WebhookDelivery {
  return create(WebhookDeliverySchema, {
    id,
    receivedAt: timestampFromDate(receivedAt),
    name: name ?? '',
    ...(inputs && { inputs: JSON.parse(inputs) as JsonObject }),
    result,
    runId: runId ?? '',
    problem,
    ...(said && { problemInfo: problemOf({ said: JSON.parse(said) as Said, field: 'on.webhook' }) }),
  })
}
