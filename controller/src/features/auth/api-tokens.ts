// API tokens: random, stored hashed, never able to do more than the one who makes them.
import { isScope, scopeAllows } from '@ansflow/proto/access'
import { AppError, invalidField } from '@ansflow/proto/errors'
import type { CreateApiTokenRequest } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import {
  type ApiTokenMadeSchema,
  type ApiToken as ApiTokenMessage,
  ApiTokenSchema,
} from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { type Keys, randomToken } from '../../platform/crypto.ts'
import type { EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { readName } from '../../platform/request-name.ts'
import { readTime } from '../../platform/request-time.ts'
import type { Caller } from '../../transport/call.ts'
import { invitationsMadeByTokens, type MadeByTokens } from '../access/index.ts'
import { type ApiToken, ApiTokenEntity } from './api-token.entity.ts'
import { generations, holdCredential } from './token-tree.ts'

type Person = Extract<Caller, { kind: 'user' }>

const prefixLength = 8

/** Inside a transaction. */
export async function makeApiToken(
  em: EntityManager,
  keys: Keys,
  person: Person,
  request: CreateApiTokenRequest,
  now: Date,
): Promise<{ row: ApiToken; secret: string }> {
  await holdCredential(em, person)
  const name = readName(request.name)
  const scopes = [...new Set(request.scopes)]
  if (scopes.length === 0) throw invalidField('scopes', 'must name at least one; "*" is everything', 'scopes_empty')
  for (const scope of scopes) if (!isScope(scope)) throw invalidField('scopes', `"${scope}" is not a scope`)
  for (const scope of scopes) {
    if (!covers(person.scopes, scope)) {
      throw new AppError('permission_denied', `A token cannot give away "${scope}", which it does not have.`, {
        reason: 'scope_missing',
        params: { permission: scope },
      })
    }
  }
  const expiresAt = await readExpiry(em, person, request, now)
  const secret = randomToken('af_')
  const row = em.create(ApiTokenEntity, {
    id: uuidv7(),
    userId: person.userId,
    name,
    prefix: secret.slice(0, prefixLength),
    tokenHash: keys.hashToken(secret),
    scopes: scopes.join(' '),
    createdAt: now,
    expiresAt,
    lastUsedAt: null,
    parentId: person.token?.id ?? null,
    sessionId: person.sessionId ?? null,
  })
  await em.flush()
  return { row, secret }
}

/** A token that makes another one gives it no longer life than its own. */
async function readExpiry(
  em: EntityManager,
  person: Person,
  request: CreateApiTokenRequest,
  now: Date,
): Promise<Date | null> {
  const expiresAt = request.expiresAt ? readTime('expires_at', request.expiresAt) : null
  if (expiresAt && expiresAt <= now) throw invalidField('expires_at', 'must be in the future', 'expiry_past')
  const maker = person.token ? await em.findOne(ApiTokenEntity, { id: person.token.id }) : null
  if (!maker?.expiresAt) return expiresAt
  if (expiresAt && expiresAt > maker.expiresAt) {
    throw invalidField('expires_at', 'must not be later than that of the token that makes it', 'expiry_of_maker')
  }
  return expiresAt ?? maker.expiresAt
}

/** With what each has made, of all the tokens of one person. */
export async function listApiTokens(
  em: EntityManager,
  userId: string,
  registrationTokens: MadeByTokens,
  now: Date,
): Promise<ApiTokenMessage[]> {
  const rows = await em.find(ApiTokenEntity, { userId }, { orderBy: { id: 'desc' } })
  const ids = rows.map(({ id }) => id)
  const invitations = await invitationsMadeByTokens.count(em, ids, now)
  const registrations = await registrationTokens.count(em, ids, now)
  return rows.map((row) => {
    const [, ...under] = generations(rows, [row.id])
    const all = [row.id, ...under.flat()]
    const sum = (counts: Map<string, number>) => all.reduce((total, id) => total + (counts.get(id) ?? 0), 0)
    const made = { apiTokens: all.length - 1, invitations: sum(invitations), registrationTokens: sum(registrations) }
    return toApiToken(row, made)
  })
}

export function toApiToken(row: ApiToken, made: MessageInitShape<typeof ApiTokenMadeSchema> = {}): ApiTokenMessage {
  return create(ApiTokenSchema, {
    id: row.id,
    name: row.name,
    scopes: row.scopes.split(' '),
    prefix: row.prefix,
    parentId: row.parentId ?? '',
    made,
    createdAt: timestampFromDate(row.createdAt),
    ...(row.expiresAt && { expiresAt: timestampFromDate(row.expiresAt) }),
    ...(row.lastUsedAt && { lastUsedAt: timestampFromDate(row.lastUsedAt) }),
  })
}

/** A family is covered by itself or a wider one, not by its members. */
function covers(owned: readonly string[], scope: string): boolean {
  return owned.includes(scope) || scopeAllows(owned, scope)
}
