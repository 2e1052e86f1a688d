// The one-time token that makes the first owner; one row while nobody exists.
import { defineEntity, p } from '@mikro-orm/core'

export const SetupTokenEntity = defineEntity({
  name: 'SetupToken',
  tableName: 'setup_token',
  properties: {
    id: p.string().length(16).primary(),
    tokenHash: p.string().length(64),
    createdAt: p.datetime(3),
  },
})
