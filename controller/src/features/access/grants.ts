// Grants in the database: read for a caller, set and taken away.
import { type Grant, narrowest, permissionsOf, type Scope, type ScopeKind, type ScopeRef } from '@ansflow/proto/access'
import type { Db, EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { GrantEntity } from './grant.entity.ts'
import { InvitationEntity } from './invitation.entity.ts'

interface Tables {
  access_grant: {
    id: string
    subject_id: string
    organization_id: string
    scope_kind: ScopeKind
    scope_id: string
    role_id: string
    expires_at: unknown
  }
}

/** Those that count at `now`. On the way of every call: one indexed query, no entities. */
export async function grantsOf(db: Db, em: EntityManager, userId: string, now: Date): Promise<Grant[]> {
  const rows = await db
    .kysely<Tables>(em)
    .selectFrom('access_grant')
    .select(['organization_id', 'scope_kind', 'scope_id', 'role_id', 'expires_at'])
    .where('subject_id', '=', userId)
    .orderBy('id')
    .execute()
  return rows.flatMap((row) => {
    const expiresAt = row.expires_at === null ? undefined : db.fromColumn(row.expires_at)
    if (expiresAt && expiresAt <= now) return []
    return [
      {
        organizationId: row.organization_id,
        on: { kind: row.scope_kind, id: row.scope_id },
        roleId: row.role_id,
        permissions: permissionsOf(row.role_id),
        ...(expiresAt && { expiresAt }),
      },
    ]
  })
}

export interface NewGrant {
  subject: { kind: 'user'; id: string }
  organizationId: string
  on: ScopeRef
  roleId: string
  /** Absent: for good. */
  expiresAt?: Date | undefined
}

/** Inside a transaction. In place of the one that the subject had on the same. */
export async function setGrant(em: EntityManager, grant: NewGrant, now: Date): Promise<void> {
  const { subject, organizationId, on, roleId, expiresAt = null } = grant
  const key = { subjectId: subject.id, scopeId: on.id }
  const changed = await em.nativeUpdate(GrantEntity, key, { roleId, expiresAt })
  if (changed > 0) return
  if ((await em.count(GrantEntity, key)) > 0) return
  const row = { id: uuidv7(), ...key, subjectKind: subject.kind, organizationId, scopeKind: on.kind, roleId, expiresAt }
  await em.insert(GrantEntity, { ...row, createdAt: now })
}

/** The grant on exactly this scope; on an organization also those on all that lies in it. */
export function grantsWithin(scope: Scope, userId: string) {
  const { kind, id } = narrowest(scope)
  return { subjectId: userId, ...(kind === 'organization' ? { organizationId: id } : { scopeId: id }) }
}

/** Of rows: those that count at `now`. */
export function counting(now: Date) {
  return { $or: [{ expiresAt: null }, { expiresAt: { $gt: now } }] }
}

export async function removeGrants(em: EntityManager, userId: string, scope: Scope): Promise<number> {
  return em.nativeDelete(GrantEntity, grantsWithin(scope, userId))
}

/** Inside the transaction that deletes the project: its grants and invitations. Answers whose access changed. */
export async function forgetProject(em: EntityManager, projectId: string): Promise<string[]> {
  const grants = await em.find(GrantEntity, { scopeId: projectId })
  await em.nativeDelete(GrantEntity, { scopeId: projectId })
  await em.nativeDelete(InvitationEntity, { scopeId: projectId })
  return grants.map((grant) => grant.subjectId)
}
