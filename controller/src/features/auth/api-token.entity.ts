// An API token: what a program of a person signs in with.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'
import { SessionEntity } from './session.entity.ts'
import { UserEntity } from './user.entity.ts'

export const ApiTokenEntity = defineEntity({
  name: 'ApiToken',
  tableName: 'api_token',
  properties: {
    id: p.string().length(36).primary(),
    userId: () => p.manyToOne(UserEntity).mapToPk().fieldName('user_id').deleteRule('cascade'),
    name: p.string().length(128),
    /** First characters of the token, to recognise it. */
    prefix: p.string().length(16),
    tokenHash: p.string().length(64).unique(),
    /** Separated by spaces. */
    scopes: p.string().length(1000),
    createdAt: p.datetime(3),
    expiresAt: p.datetime(3).nullable(),
    lastUsedAt: p.datetime(3).nullable(),
    /** The token that made it. */
    parentId: () => p.manyToOne(ApiTokenEntity).mapToPk().fieldName('parent_id').nullable().deleteRule('cascade'),
    /** The session it was made in, while that lasts. */
    sessionId: () => p.manyToOne(SessionEntity).mapToPk().fieldName('session_id').nullable().deleteRule('set null'),
  },
})

export type ApiToken = InferEntity<typeof ApiTokenEntity>
