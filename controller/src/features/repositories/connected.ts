// What connections want to know of the repositories that are connected by them.
import type { ConnectedRepositories } from '../forges/index.ts'
import { findProjects } from '../projects/index.ts'
import { RepositoryEntity } from './repository.entity.ts'

interface Tables {
  repository: { connection_id: string; project_id: string }
}

export const connectedRepositories: ConnectedRepositories = {
  async count(em, connectionIds) {
    const counts = new Map<string, number>()
    for (const connectionId of connectionIds) {
      counts.set(connectionId, await em.count(RepositoryEntity, { connectionId }))
    }
    return counts
  },

  async projects(em, connectionIds) {
    if (connectionIds.length === 0) return []
    const rows = await em
      .getKysely<Tables>()
      .selectFrom('repository')
      .select(['connection_id', 'project_id', ({ fn }) => fn.countAll().as('repositories')])
      .where('connection_id', 'in', connectionIds)
      .groupBy(['connection_id', 'project_id'])
      .execute()
    const projects = await findProjects(
      em,
      rows.map((row) => row.project_id),
    )
    return projects.flatMap((project) =>
      rows
        .filter((row) => row.project_id === project.id)
        .map((row) => ({
          connectionId: row.connection_id,
          projectId: project.id,
          projectName: project.name,
          projectSlug: project.slug,
          repositoryCount: Number(row.repositories),
        })),
    )
  },

  async ids(em, projectId, connectionId) {
    const rows = await em.find(RepositoryEntity, { projectId, connectionId }, { fields: ['id', 'fullName'] })
    return new Map(rows.map(({ id, fullName }) => [fullName, id]))
  },
}
