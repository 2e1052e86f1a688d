// What connections want to know of the repositories that are connected by them.
import type { ConnectedRepositories } from '../forges/index.ts'
import { RepositoryEntity } from './repository.entity.ts'

export const connectedRepositories: ConnectedRepositories = {
  async count(em, connectionIds) {
    const counts = new Map<string, number>()
    for (const connectionId of connectionIds) {
      counts.set(connectionId, await em.count(RepositoryEntity, { connectionId }))
    }
    return counts
  },

  async ids(em, projectId, connectionId) {
    const rows = await em.find(RepositoryEntity, { projectId, connectionId }, { fields: ['id', 'fullName'] })
    return new Map(rows.map(({ id, fullName }) => [fullName, id]))
  },
}
