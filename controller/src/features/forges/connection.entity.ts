// A connection to a forge or git server. Its credentials are among the sealed values, under its id.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

const id = () => p.string().length(36)

export const ConnectionEntity = defineEntity({
  name: 'Connection',
  tableName: 'connection',
  uniques: [{ properties: ['scopeId', 'name'] }],
  indexes: [{ properties: ['organizationId'] }],
  properties: {
    id: id().primary(),
    organizationId: id(),
    /** Null: it is the organization's. */
    projectId: id().nullable(),
    /** The project, or else the organization. */
    scopeId: id(),
    name: p.string().length(128),
    /** ansflow.v1.ForgeKind. */
    kind: p.integer(),
    url: p.string().length(1024),
    /** ansflow.v1.CredentialKind. */
    credentialKind: p.integer(),
    /** As the forge calls them; empty: not known. */
    account: p.string().length(255),
    /** What they may do, with spaces between. */
    scopes: p.string().length(1024),
    expiresAt: p.datetime(3).nullable(),
    checkedAt: p.datetime(3).nullable(),
    /** An English sentence: why it was not let in when it was last asked; empty: it was. */
    problem: p.string().length(512),
    /** An English sentence: why deployments could not be recorded when that was last tried; empty: they could. */
    deploymentsProblem: p.string().length(512).default(''),
    /** The forge has asked not to be asked again before; null: it has not. */
    restsUntil: p.datetime(3).nullable(),
    /** Of an app: the secret of its hook is among the credentials. */
    hookSecretSet: p.boolean().default(false),
    /** To the minute. */
    hookDeliveredAt: p.datetime(3).nullable(),
    hookRefusedAt: p.datetime(3).nullable(),
    createdByName: p.string().length(255),
    createdAt: p.datetime(3),
  },
})

export type ConnectionRow = InferEntity<typeof ConnectionEntity>
