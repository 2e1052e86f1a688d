// What the checkouts of runs get, so that they can read the repository that their run is for.
import type { Db } from '../../platform/db.ts'
import type { RepositoryAccess } from '../agents/index.ts'
import { refusedBy } from '../forges/index.ts'
import type { Repositories } from './repositories.ts'

export function repositoryAccess(db: Db, repositories: Repositories): RepositoryAccess {
  return async ({ repositoryId, projectId, url }) => {
    const row = await repositories.find(db.em(), repositoryId)
    // Nobody gets at another project's by its id, and no other server hears the password.
    if (!row || row.projectId !== projectId || row.cloneUrl !== url) return undefined
    const found = await repositories.credentialsOf(row).catch((error: unknown) => {
      throw refusedBy(error)
    })
    if (!found) return undefined
    if (found.kind === 'password') return { value: found.password, git: { username: found.username } }
    return { value: found.privateKey, git: { sshKey: true, knownHosts: found.knownHosts } }
  }
}
