// What forges sent, as it came, and what became of it.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

const id = () => p.string().length(36)

export const RepositoryDeliveryEntity = defineEntity({
  name: 'RepositoryDelivery',
  tableName: 'repository_delivery',
  uniques: [{ properties: ['repositoryId', 'name'] }],
  indexes: [
    { properties: ['repositoryId', 'id'] },
    { properties: ['result', 'nextAt'] },
    { properties: ['projectId'] },
  ],
  properties: {
    id: id().primary(),
    repositoryId: id(),
    projectId: id(),
    receivedAt: p.datetime(3),
    /** As the forge calls it; null: it has no name, or repeats another one. */
    name: p.string().length(255).nullable(),
    event: p.string().length(128),
    /** It came to the address of the connection: an app has sent it. */
    byApp: p.boolean().default(false),
    /** JSON: pairs of name and value, what is secret in them masked. */
    headers: p.text(),
    /** The body as it came, compressed; null: it was refused. */
    body: p.blob().columnType('longblob').nullable(),
    size: p.integer(),
    answeredMs: p.integer(),
    /** The delivery that this one repeats. */
    repeats: id().nullable(),
    /** ansflow.v1.RepositoryDeliveryResult. */
    result: p.integer(),
    /** When whoever finds it may work it off; null: it is decided. */
    nextAt: p.datetime(3).nullable(),
    attempts: p.integer(),
    ref: p.string().length(255),
    commit: p.string().length(64),
    sender: p.string().length(255),
    /** What it has started is untrusted. */
    untrusted: p.boolean().default(false),
    /** JSON of DeliveryDecision messages, with the ids of runs before they are begun. */
    decisions: p.text().columnType('mediumtext'),
    problem: p.string().length(512),
    /** JSON of the same with its parameters; null: it has none. */
    said: p.text().nullable(),
  },
})

export type RepositoryDeliveryRow = InferEntity<typeof RepositoryDeliveryEntity>
