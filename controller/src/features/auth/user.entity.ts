// A person.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

export const UserEntity = defineEntity({
  name: 'User',
  tableName: 'user',
  properties: {
    id: p.string().length(36).primary(),
    /** Lower case. */
    email: p.string().length(254).unique(),
    name: p.string().length(128),
    passwordHash: p.string().length(255),
    language: p.string().length(16),
    theme: p.string().length(16),
    createdAt: p.datetime(3),
    lastSeenAt: p.datetime(3).nullable(),
  },
})

export type User = InferEntity<typeof UserEntity>
