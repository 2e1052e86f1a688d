// A token that lets one agent register, or get a new secret, for an hour.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

export const RegistrationTokenEntity = defineEntity({
  name: 'RegistrationToken',
  tableName: 'registration_token',
  properties: {
    id: p.string().length(36).primary(),
    organizationId: p.string().length(36).index(),
    tokenHash: p.string().length(64).unique(),
    createdAt: p.datetime(3),
    expiresAt: p.datetime(3),
    usedAt: p.datetime(3).nullable(),
    /** The API token that made it. */
    apiTokenId: p.string().length(36).nullable().index(),
    /** The agent it was traded for, or whose secret it renews. */
    agentId: p.string().length(36).nullable(),
    /** What the agent is given, separated by spaces. */
    labels: p.string().length(2000).default(''),
    /** It is worth nothing once this person may not add agents any more. Null: made by the controller itself. */
    createdBy: p.string().length(36).nullable(),
  },
})

export type RegistrationTokenRow = InferEntity<typeof RegistrationTokenEntity>
