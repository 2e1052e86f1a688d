// A session: one browser where a person is signed in.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'
import { UserEntity } from './user.entity.ts'

export const SessionEntity = defineEntity({
  name: 'Session',
  tableName: 'session',
  properties: {
    id: p.string().length(36).primary(),
    userId: () => p.manyToOne(UserEntity).mapToPk().fieldName('user_id').deleteRule('cascade'),
    tokenHash: p.string().length(64).unique(),
    userAgent: p.string().length(256),
    createdAt: p.datetime(3),
    lastSeenAt: p.datetime(3),
    expiresAt: p.datetime(3),
  },
})

export type Session = InferEntity<typeof SessionEntity>
