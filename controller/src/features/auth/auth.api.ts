// AuthService: set-up, signing in and out, the caller's own account, sessions and tokens.
import { type ScopeKind, wireRole } from '@ansflow/proto/access'
import { AppError, notFound } from '@ansflow/proto/errors'
import { AuthService } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Keys } from '../../platform/crypto.ts'
import type { Db, EntityManager } from '../../platform/db.ts'
import { readName } from '../../platform/request-name.ts'
import { type CallContext, personOf, type ServiceTable, serviceTable } from '../../transport/call.ts'
import { grantsOf, type MadeByTokens, openInvitation, setGrant, takeInvitation } from '../access/index.ts'
import { ApiTokenEntity } from './api-token.entity.ts'
import { listApiTokens, makeApiToken, toApiToken } from './api-tokens.ts'
import { countTry, rememberSuccess } from './login-limits.ts'
import { type OrganizationsById, presentMe } from './me.ts'
import { checkPassword, hashPassword, passwordIsRight } from './passwords.ts'
import { makePerson, readEmail, readLanguage, readTheme, toUser } from './people.ts'
import { SessionEntity } from './session.entity.ts'
import { giveSession, makeSession, takeSessionAway } from './sessions.ts'
import { checkSetupToken, isSetupNeeded, type MakeOrganization, makeFirstOwner, takeSetupToken } from './setup.ts'
import { generations, revokeTokens } from './token-tree.ts'
import { UserEntity } from './user.entity.ts'

export interface AuthDeps {
  db: Db
  bus: Bus
  clock: Clock
  keys: Keys
  version: string
  makeOrganization: MakeOrganization
  /** Those that exist, of these ids. */
  organizationsById: OrganizationsById
  /** Of agents, made by API tokens. */
  registrationTokens: MadeByTokens
}

export function authApi(deps: AuthDeps): ServiceTable {
  const { db, bus, clock, keys, registrationTokens } = deps
  return serviceTable(AuthService, {
    getSetup: async (_request, { em }) => ({ setupNeeded: await isSetupNeeded(em), version: deps.version }),

    async completeSetup(request, ctx) {
      const email = readEmail(request.email)
      const name = readName(request.name)
      const organizationName = readName(request.organizationName, 'organization_name')
      const language = readLanguage(request.language)
      checkPassword('password', request.password)
      // Hashing costs more than anything else a stranger can ask for, so the token comes first.
      await checkSetupToken(ctx.em, keys, request.setupToken)
      const passwordHash = await hashPassword(request.password)
      const now = clock.now()
      const made = await ctx.change(async (em) => {
        await takeSetupToken(em, keys, request.setupToken)
        const owner = { email, name, passwordHash, language, organizationName }
        const { user, organizationId } = await makeFirstOwner(em, deps.makeOrganization, owner, now)
        const session = await makeSession(em, keys, { userId: user.id, userAgent: ctx.peer.userAgent, now })
        return { ...accountOf(user), result: { user, organizationId, session }, organizationId, after: { email } }
      })
      giveSession(ctx, made.session)
      return { user: toUser(made.user), organizationId: made.organizationId }
    },

    async login(request, ctx) {
      const email = request.email.trim().toLowerCase()
      const now = clock.now()
      const attempt = { email, address: ctx.peer.address, now }
      await countTry(db, keys, attempt)
      const user = await ctx.em.findOne(UserEntity, { email })
      if (!(await passwordIsRight(user?.passwordHash, request.password)) || !user) {
        await ctx.change(async (em) => ({
          ...(user ? accountOf(user) : { resource: { kind: 'account', id: '', name: email.slice(0, 254) } }),
          result: undefined,
          organizationId: user ? await firstOrganizationOf(db, em, user.id, now) : '',
          failure: 'wrong_credentials',
        }))
        throw new AppError('unauthenticated', 'The e-mail address or the password is wrong.', {
          reason: 'wrong_credentials',
        })
      }
      await rememberSuccess(db, keys, attempt)
      const { userAgent } = ctx.peer
      const session = await ctx.change(async (em) => ({
        ...accountOf(user),
        result: await makeSession(em, keys, { userId: user.id, userAgent, now }),
        organizationId: await firstOrganizationOf(db, em, user.id, now),
      }))
      giveSession(ctx, session)
      return { user: toUser(user) }
    },

    async logout(_request, ctx) {
      const person = personOf(ctx)
      if (person.sessionId !== undefined) {
        const { sessionId } = person
        await ctx.change(async (em) => {
          await em.nativeDelete(SessionEntity, { id: sessionId })
          return { result: undefined, resource: { kind: 'session', id: sessionId } }
        })
        bus.publish('access.changed', { userId: person.userId })
      }
      takeSessionAway(ctx)
      return {}
    },

    getMe: (_request, ctx) => presentMe(ctx.em, personOf(ctx), deps.organizationsById),

    async updateMe(request, ctx) {
      const userId = ownAccount(ctx)
      const changes = {
        ...(request.name !== undefined && { name: readName(request.name) }),
        ...(request.language !== undefined && { language: readLanguage(request.language) }),
        ...(request.theme !== undefined && { theme: readTheme(request.theme) }),
      }
      const user = await ctx.change(async (em) => {
        const found = await em.findOneOrFail(UserEntity, { id: userId })
        const { name, language, theme } = found
        Object.assign(found, changes)
        await em.flush()
        return { ...accountOf(found), result: found, before: { name, language, theme }, after: changes }
      })
      bus.publish('access.changed', { userId: user.id })
      return { user: toUser(user) }
    },

    async changePassword(request, ctx) {
      const userId = ownAccount(ctx)
      checkPassword('new_password', request.newPassword)
      const user = await ctx.em.findOneOrFail(UserEntity, { id: userId })
      const attempt = { email: user.email, address: ctx.peer.address, now: clock.now() }
      await countTry(db, keys, attempt)
      if (!(await passwordIsRight(user.passwordHash, request.currentPassword))) {
        throw new AppError('permission_denied', 'The current password is wrong.', { reason: 'wrong_password' })
      }
      await rememberSuccess(db, keys, attempt)
      const passwordHash = await hashPassword(request.newPassword)
      const { sessionId } = personOf(ctx)
      await ctx.change(async (em) => {
        await em.nativeUpdate(UserEntity, { id: userId }, { passwordHash })
        if (request.revokeTokens) await revokeTokens(em, { userId }, registrationTokens)
        await em.nativeDelete(SessionEntity, { userId, ...(sessionId !== undefined && { id: { $ne: sessionId } }) })
        const after = { password: 'changed', tokensRevoked: request.revokeTokens }
        return { ...accountOf(user), result: undefined, after }
      })
      bus.publish('access.changed', { userId })
      return {}
    },

    async listSessions(_request, ctx) {
      const userId = ownAccount(ctx)
      const rows = await ctx.em.find(
        SessionEntity,
        { userId, expiresAt: { $gt: clock.now() } },
        { orderBy: { lastSeenAt: 'desc' } },
      )
      const { sessionId } = personOf(ctx)
      const tokens = await ctx.em.find(ApiTokenEntity, { userId })
      const madeIn = (id: string) => tokens.filter((token) => token.sessionId === id).map((token) => token.id)
      return {
        sessions: rows.map(({ id, userAgent, createdAt, lastSeenAt, expiresAt }) => ({
          id,
          userAgent,
          createdAt: timestampFromDate(createdAt),
          lastSeenAt: timestampFromDate(lastSeenAt),
          expiresAt: timestampFromDate(expiresAt),
          current: id === sessionId,
          apiTokens: generations(tokens, madeIn(id)).flat().length,
        })),
      }
    },

    async revokeSession(request, ctx) {
      const userId = ownAccount(ctx)
      const { sessionId } = request
      await ctx.change(async (em) => {
        if (request.revokeTokens) await revokeTokens(em, { userId, sessionId }, registrationTokens)
        const ended = await em.nativeDelete(SessionEntity, { id: sessionId, userId })
        if (ended === 0) throw notFound('session', sessionId)
        const after = { tokensRevoked: request.revokeTokens }
        return { result: undefined, resource: { kind: 'session', id: sessionId }, after }
      })
      bus.publish('access.changed', { userId })
      return {}
    },

    async getInvitation(request, { em }) {
      const invitation = await openInvitation(db, em, keys, request.token, clock.now())
      const [organization] = await deps.organizationsById(em, [invitation.organizationId])
      if (!organization) throw notFound('invitation', '')
      return {
        email: invitation.email,
        organizationName: organization.name,
        role: wireRole(invitation.roleId),
        roleId: invitation.roleId,
        expiresAt: timestampFromDate(invitation.expiresAt),
      }
    },

    async acceptInvitation(request, ctx) {
      const name = readName(request.name)
      const language = readLanguage(request.language)
      checkPassword('password', request.password)
      const now = clock.now()
      const { id } = await openInvitation(db, ctx.em, keys, request.token, now)
      const passwordHash = await hashPassword(request.password)
      const made = await ctx.change(async (em) => {
        const invitation = await openInvitation(db, em, keys, request.token, now)
        if (!(await takeInvitation(em, id))) throw notFound('invitation', '')
        const { email, organizationId, scopeKind, scopeId, roleId } = invitation
        const user = await makePerson(em, { email, name, passwordHash, language, now })
        const on = { kind: scopeKind as ScopeKind, id: scopeId }
        await setGrant(em, { subject: { kind: 'user', id: user.id }, organizationId, on, roleId }, now)
        const session = await makeSession(em, keys, { userId: user.id, userAgent: ctx.peer.userAgent, now })
        const projectId = scopeKind === 'project' ? scopeId : ''
        const after = { email, roleId }
        return { ...accountOf(user), result: { user, session, organizationId }, organizationId, projectId, after }
      })
      bus.publish('members.changed', { organizationId: made.organizationId, id: made.user.id })
      giveSession(ctx, made.session)
      return { user: toUser(made.user) }
    },

    async createApiToken(request, ctx) {
      const person = personOf(ctx)
      const now = clock.now()
      const { row, secret } = await ctx.change(async (em) => {
        const result = await makeApiToken(em, keys, person, request, now)
        const { id, name, scopes, expiresAt } = result.row
        return { result, resource: { kind: 'token', id, name }, after: { scopes, expiresAt } }
      })
      return { token: toApiToken(row), secret }
    },

    async listApiTokens(_request, ctx) {
      return { tokens: await listApiTokens(ctx.em, ownAccount(ctx), registrationTokens, clock.now()) }
    },

    async revokeApiToken(request, ctx) {
      const userId = ownAccount(ctx)
      const top = { userId, id: request.tokenId }
      await ctx.change(async (em) => {
        const token = await em.findOne(ApiTokenEntity, { id: request.tokenId, userId })
        const revoked = await revokeTokens(em, top, registrationTokens)
        if (revoked === 0 || !token) throw notFound('token', request.tokenId)
        const { id, name, scopes } = token
        return { result: undefined, resource: { kind: 'token', id, name }, before: { scopes } }
      })
      bus.publish('access.changed', { userId })
      return {}
    },
  })
}

/** The account itself is open to its person and to tokens that may do everything, not to narrower ones. */
function ownAccount(ctx: CallContext): string {
  const person = personOf(ctx)
  if (!person.scopes.includes('*')) {
    throw new AppError('permission_denied', 'This token may not touch the account itself.', {
      reason: 'scope_missing',
      params: { permission: '*' },
    })
  }
  return person.userId
}

/** For calls about an account by whom nobody was signed in when they began. */
function accountOf({ id, name }: { id: string; name: string }) {
  return { resource: { kind: 'account', id, name }, actor: { id, name } }
}

/** Where those who look after a person's organization find what happens to the account. */
async function firstOrganizationOf(db: Db, em: EntityManager, userId: string, now: Date): Promise<string> {
  return (await grantsOf(db, em, userId, now))[0]?.organizationId ?? ''
}
