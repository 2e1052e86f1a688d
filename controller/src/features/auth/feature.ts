// People, their sessions and tokens, and who calls.
import { feature, port } from '../../feature.ts'
import type { MadeByTokens } from '../access/index.ts'
import { firstOrganization, organizationsById } from '../organizations/index.ts'
import { ApiTokenEntity } from './api-token.entity.ts'
import { authApi } from './auth.api.ts'
import { type AuthenticateDeps, createAuthenticator } from './authenticate.ts'
import { LoginLimitEntity } from './login-limit.entity.ts'
import { meTopic } from './me-topic.ts'
import { SessionEntity } from './session.entity.ts'
import { makeAdminFromSettings, renewSetupToken } from './setup.ts'
import { SetupTokenEntity } from './setup-token.entity.ts'
import { UserEntity } from './user.entity.ts'

export const authFeature = feature({
  name: 'auth',
  entities: [UserEntity, SessionEntity, ApiTokenEntity, LoginLimitEntity, SetupTokenEntity],
  async open({ db, bus, clock, keys, log, config, version }) {
    const agentBySecret = port<AuthenticateDeps['agentBySecret']>('the identities of agents')
    const registrationTokens = port<MadeByTokens>('registration tokens')
    const authenticator = createAuthenticator({
      db,
      bus,
      clock,
      keys,
      log,
      agentBySecret: (secretHash) => agentBySecret()(secretHash),
    })
    if (config.admin) await makeAdminFromSettings(db, keys, firstOrganization, config.admin, clock.now())
    const setupToken = await renewSetupToken(db, keys, clock.now())
    return {
      services: [
        authApi({
          db,
          bus,
          clock,
          keys,
          version,
          makeOrganization: firstOrganization,
          organizationsById,
          registrationTokens: {
            count: (em, tokenIds, now) => registrationTokens().count(em, tokenIds, now),
            forget: (em, tokenIds) => registrationTokens().forget(em, tokenIds),
          },
        }),
      ],
      topics: [meTopic(db, organizationsById)],
      stop: () => authenticator.stop(),
      gives: {
        authenticate: authenticator.authenticate,
        /** Present on an empty database: the path and fragment of the one-time set-up link. */
        setupLink: setupToken && `/setup#${setupToken}`,
        agentBySecret,
        registrationTokens,
      },
    }
  },
})
