// The environments of projects as other parts ask for them.
import { notFound } from '@ansflow/proto/errors'
import type { Kysely } from 'kysely'
import type { EntityManager } from '../../platform/db.ts'
import { EnvironmentEntity, type EnvironmentRow } from './environment.entity.ts'

/** In their order. */
export function environmentsOf(em: EntityManager, projectId: string): Promise<EnvironmentRow[]> {
  return em.find(EnvironmentEntity, { projectId }, { orderBy: { place: 'asc', id: 'asc' } })
}

/** Throws `not_found`. */
export async function environmentOfProject(em: EntityManager, projectId: string, id: string): Promise<EnvironmentRow> {
  const row = await em.findOne(EnvironmentEntity, { id, projectId })
  if (!row) throw notFound('environment', id)
  return row
}

/** Of these ids, those that are there. */
export async function knownEnvironments(em: EntityManager, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set()
  const rows = await em.find(EnvironmentEntity, { id: { $in: [...ids] } }, { fields: ['id'] })
  return new Set(rows.map(({ id }) => id))
}

interface EnvironmentTables {
  environment: {
    id: string
    project_id: string
    name: string
    place: number
    url: string
    branches: string
    tags: string
  }
}

export interface RuledEnvironment {
  id: string
  name: string
  url: string
  branches: string[]
  tags: string[]
}

/** For the statements of runs. In their order. */
export async function ruledEnvironments(db: Kysely<unknown>, projectId: string): Promise<RuledEnvironment[]> {
  const rows = await (db as Kysely<EnvironmentTables>)
    .selectFrom('environment')
    .select(['id', 'name', 'url', 'branches', 'tags'])
    .where('project_id', '=', projectId)
    .orderBy('place')
    .orderBy('id')
    .execute()
  return rows.map((row) => ({ ...row, branches: globsIn(row.branches), tags: globsIn(row.tags) }))
}

export function globsIn(json: string): string[] {
  return JSON.parse(json) as string[]
}
