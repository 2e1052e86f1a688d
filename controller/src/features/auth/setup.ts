// The first start: a one-time link, or the admin named by the environment. There is never a default password.

import { AppError, precondition } from '@ansflow/proto/errors'
import { type Keys, randomToken } from '../../platform/crypto.ts'
import type { Db, EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { setGrant } from '../access/index.ts'
import { ApiTokenEntity } from './api-token.entity.ts'
import { hashPassword } from './passwords.ts'
import { makePerson } from './people.ts'
import { SetupTokenEntity } from './setup-token.entity.ts'
import { type User, UserEntity } from './user.entity.ts'

const rowId = 'setup'

export interface FirstOwner {
  email: string
  name: string
  passwordHash: string
  language: string
  organizationName: string
}

export type MakeOrganization = (em: EntityManager, name: string, now: Date) => Promise<{ id: string }>

export async function isSetupNeeded(em: EntityManager): Promise<boolean> {
  return (await em.count(UserEntity)) === 0
}

/** A new token in place of the last one; undefined when somebody exists. */
export async function renewSetupToken(db: Db, keys: Keys, now: Date): Promise<string | undefined> {
  const token = randomToken('afu_')
  return db.transaction(async (em) => {
    if (!(await isSetupNeeded(em))) return undefined
    await em.nativeDelete(SetupTokenEntity, { id: rowId })
    await em.insert(SetupTokenEntity, { id: rowId, tokenHash: keys.hashToken(token), createdAt: now })
    return token
  })
}

/** Throws unless somebody could take the token now. */
export async function checkSetupToken(em: EntityManager, keys: Keys, token: string): Promise<void> {
  if (!(await isSetupNeeded(em))) throw precondition('setup_over', 'The set-up is over; sign in instead.')
  const right = await em.count(SetupTokenEntity, { id: rowId, tokenHash: keys.hashToken(token) })
  if (right !== 1) throw wrongToken()
}

/** Inside a transaction. Of many callers with the right token one succeeds. */
export async function takeSetupToken(em: EntityManager, keys: Keys, token: string): Promise<void> {
  await checkSetupToken(em, keys, token)
  const taken = await em.nativeDelete(SetupTokenEntity, { id: rowId, tokenHash: keys.hashToken(token) })
  if (taken !== 1) throw wrongToken()
}

function wrongToken(): AppError {
  return new AppError(
    'permission_denied',
    'This set-up link is wrong or old. The newest one is in the log of the controller.',
    { reason: 'setup_token' },
  )
}

/** Inside a transaction. */
export async function makeFirstOwner(
  em: EntityManager,
  makeOrganization: MakeOrganization,
  owner: FirstOwner,
  now: Date,
): Promise<{ user: User; organizationId: string }> {
  const user = await makePerson(em, { ...owner, now })
  const { id: organizationId } = await makeOrganization(em, owner.organizationName, now)
  const on = { kind: 'organization', id: organizationId } as const
  await setGrant(em, { subject: { kind: 'user', id: user.id }, organizationId, on, roleId: 'owner' }, now)
  return { user, organizationId }
}

/** Does nothing when somebody exists. */
export async function makeAdminFromSettings(
  db: Db,
  keys: Keys,
  makeOrganization: MakeOrganization,
  admin: { email: string; password: string; token: string | undefined },
  now: Date,
): Promise<boolean> {
  const passwordHash = await hashPassword(admin.password)
  return db.transaction(async (em) => {
    if (!(await isSetupNeeded(em))) return false
    const name = admin.email.split('@', 1)[0] ?? admin.email
    const owner = { email: admin.email, name, passwordHash, language: '', organizationName: 'AnsFlow' }
    const { user } = await makeFirstOwner(em, makeOrganization, owner, now)
    await em.nativeDelete(SetupTokenEntity, { id: rowId })
    if (admin.token !== undefined) {
      await em.insert(ApiTokenEntity, {
        id: uuidv7(),
        userId: user.id,
        name: 'ANSFLOW_ADMIN_TOKEN',
        prefix: admin.token.slice(0, 8),
        tokenHash: keys.hashToken(admin.token),
        scopes: '*',
        createdAt: now,
        expiresAt: null,
        lastUsedAt: null,
      })
    }
    return true
  })
}
