// Deletes a project with everything in it, in one transaction: each feature that keeps rows of projects brings its part.
import type { EntityManager } from '../../platform/db.ts'
import { forgetProject } from '../access/index.ts'
import { ProjectEntity } from './project.entity.ts'

/** Deletes a feature's rows of a project, inside the transaction; throws `failed_precondition` while they are in use. */
export type ProjectDeletion = (em: EntityManager, projectId: string) => Promise<void>

/** Inside a transaction. Answers whose access changed. */
export async function deleteProject(em: EntityManager, projectId: string, parts: ProjectDeletion[]): Promise<string[]> {
  for (const part of parts) await part(em, projectId)
  const userIds = await forgetProject(em, projectId)
  await em.nativeDelete(ProjectEntity, { id: projectId })
  return userIds
}
