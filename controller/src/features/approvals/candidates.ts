// The members of a project, as those who could decide something in it.
import { type ProjectScope, permissionsOf } from '@ansflow/proto/access'
import type { EntityManager } from '../../platform/db.ts'
import { grantsAt } from '../access/index.ts'
import { peopleById } from '../auth/index.ts'
import type { Candidate } from './who-could.ts'

/** Of a project with more nothing is said: somebody will be there. */
const most = 2000

/** In two statements. Undefined: there are too many to look through. */
export async function candidatesOf(
  em: EntityManager,
  scope: ProjectScope,
  now: Date,
): Promise<Candidate[] | undefined> {
  const rows = await grantsAt(em, scope, now, most + 1)
  if (rows.length > most) return undefined
  const bySubject = Map.groupBy(rows, ({ subjectId }) => subjectId)
  const people = await peopleById(em, [...bySubject.keys()])
  return people.map(({ id, name, email }) => ({
    ...{ userId: id, name, email },
    grants: bySubject.get(id)!.map(({ organizationId, scopeKind, scopeId, roleId }) => ({
      organizationId,
      on: { kind: scopeKind as 'organization' | 'project', id: scopeId },
      roleId,
      permissions: permissionsOf(roleId),
    })),
  }))
}
