// What other features ask of projects.
import type { EntityManager } from '../../platform/db.ts'
import { type Project, ProjectEntity } from './project.entity.ts'

export function findProject(em: EntityManager, id: string): Promise<Project | null> {
  return em.findOne(ProjectEntity, { id })
}

export function findProjectBySlug(em: EntityManager, organizationId: string, slug: string): Promise<Project | null> {
  return em.findOne(ProjectEntity, { organizationId, slug })
}

/** A project never changes its organization, so most of the time nothing has to be asked. */
const organizations = new Map<string, string>()
const mostKnown = 10_000

export async function organizationOfProject(em: EntityManager, projectId: string): Promise<string | undefined> {
  const known = organizations.get(projectId)
  if (known !== undefined) return known
  const project = await findProject(em, projectId)
  if (!project) return undefined
  if (organizations.size >= mostKnown) organizations.clear()
  organizations.set(projectId, project.organizationId)
  return project.organizationId
}

/** By name. Those that are gone are left out. */
export function findProjects(em: EntityManager, ids: readonly string[]): Promise<Project[]> {
  return em.find(ProjectEntity, { id: { $in: [...ids] } }, { orderBy: { name: 'asc', id: 'asc' } })
}
