// The address of a pipeline, and what came to it last. Its secret is nowhere: it follows from the mark and the controller's own key.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

const id = () => p.string().length(36)

export const WebhookEntity = defineEntity({
  name: 'Webhook',
  tableName: 'webhook',
  uniques: [{ properties: ['pipelineId'] }],
  indexes: [{ properties: ['projectId'] }],
  properties: {
    id: id().primary(),
    projectId: id(),
    pipelineId: id(),
    /** JSON of a Webhook message, as the latest version has it; null: it has none. */
    definition: p.text().nullable(),
    /** What the secret is made of, together with a key that is not in the database; null: nothing is taken. */
    mark: p.string().length(64).nullable(),
    madeByName: p.string().length(255),
    madeAt: p.datetime(3).nullable(),
  },
})

export const DeliveryEntity = defineEntity({
  name: 'Delivery',
  tableName: 'webhook_delivery',
  uniques: [{ properties: ['webhookId', 'name'] }],
  indexes: [{ properties: ['result', 'id'] }, { properties: ['projectId'] }],
  properties: {
    id: id().primary(),
    webhookId: id(),
    pipelineId: id(),
    projectId: id(),
    receivedAt: p.datetime(3),
    /** As its sender calls it; null: it has no name. */
    name: p.string().length(255).nullable(),
    /** JSON; null: it was not taken. */
    inputs: p.text().columnType('mediumtext').nullable(),
    /** ansflow.v1.DeliveryResult. */
    result: p.integer(),
    /** Id of the run, before it is begun: whoever begins it, and however often, begins one. */
    runId: id().nullable(),
    /** An English sentence. */
    problem: p.string().length(512),
    /** JSON of the same with its parameters, for other languages; null: it has none. */
    said: p.text().nullable(),
  },
})

export type WebhookRow = InferEntity<typeof WebhookEntity>
export type DeliveryRow = InferEntity<typeof DeliveryEntity>
