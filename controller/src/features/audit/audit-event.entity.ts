// What somebody changed. Rows are written once; no foreign key, so that they outlive what they tell of.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

const id = () => p.string().length(36)

export const AuditEventEntity = defineEntity({
  name: 'AuditEvent',
  tableName: 'audit_event',
  // Ids sort by time, so each filter finds its newest rows without the others.
  indexes: [
    { properties: ['organizationId', 'id'] },
    { properties: ['organizationId', 'projectId', 'id'] },
    { properties: ['organizationId', 'actorId', 'id'] },
    { properties: ['organizationId', 'action', 'id'] },
    { properties: ['organizationId', 'resourceId', 'id'] },
  ],
  properties: {
    id: id().primary(),
    at: p.datetime(3),
    /** "": of nobody's organization, such as an unknown person's try to sign in. */
    organizationId: id(),
    projectId: id(),
    /** AuditActorKind. */
    actorKind: p.integer(),
    actorId: id(),
    actorName: p.string().length(255),
    tokenId: id(),
    action: p.string().length(128),
    resourceKind: p.string().length(32),
    resourceId: p.string().length(128),
    resourceName: p.string().length(255),
    /** JSON, in short. */
    before: p.text(),
    after: p.text(),
    address: p.string().length(64),
    client: p.string().length(256),
    failure: p.string().length(64),
    requestId: id(),
  },
})

export type AuditEventRow = InferEntity<typeof AuditEventEntity>
