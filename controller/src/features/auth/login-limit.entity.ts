// Tries to sign in, counted per account and per address within a window; shared by all controllers.
import { defineEntity, p } from '@mikro-orm/core'

export const LoginLimitEntity = defineEntity({
  name: 'LoginLimit',
  tableName: 'login_limit',
  properties: {
    /** Keyed hash of what is counted. */
    id: p.string().length(64).primary(),
    tries: p.integer(),
    windowEndsAt: p.datetime(3),
  },
})
