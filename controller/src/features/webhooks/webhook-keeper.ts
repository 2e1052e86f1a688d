// What pipelines have of webhooks: kept in step with their latest versions, in the transactions that make these.
import { type Webhook, WebhookSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { fromJsonString, toJsonString } from '@bufbuild/protobuf'
import type { EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { PipelineParticipant } from '../pipelines/index.ts'
import { DeliveryEntity, WebhookEntity, type WebhookRow } from './webhook.entity.ts'

export const webhookKeeper: PipelineParticipant = {
  name: 'webhooks',

  async published(em, { pipeline, triggers }) {
    const definition = triggers?.webhook ? toJsonString(WebhookSchema, triggers.webhook) : null
    const changed = await em.nativeUpdate(WebhookEntity, { pipelineId: pipeline.id }, { definition })
    if (changed > 0 || definition === null || (await em.count(WebhookEntity, { pipelineId: pipeline.id })) > 0) return
    const row = { id: uuidv7(), projectId: pipeline.projectId, pipelineId: pipeline.id, definition }
    await em.insert(WebhookEntity, { ...row, mark: null, madeByName: '', madeAt: null })
  },

  async deleted(em, pipelineId) {
    await em.nativeDelete(DeliveryEntity, { pipelineId })
    await em.nativeDelete(WebhookEntity, { pipelineId })
  },
}

export async function deleteWebhooksOf(em: EntityManager, projectId: string): Promise<void> {
  await em.nativeDelete(DeliveryEntity, { projectId })
  await em.nativeDelete(WebhookEntity, { projectId })
}

/** Undefined: the latest version has none. */
export function definitionOf({ definition }: Pick<WebhookRow, 'definition'>): Webhook | undefined {
  return definition ? fromJsonString(WebhookSchema, definition, { ignoreUnknownFields: true }) : undefined
}
