// Files at the head of the default branch, for drafts of pipelines that are kept there: the copy as it is, which is looked at anew by
// others. What keeps it from being read is told to whoever asks.
import { limits } from '@ansflow/proto/limits'
import type { EntityManager } from '../../platform/db.ts'
import { GitError } from '../../platform/git/git.ts'
import type { CommitFiles } from '../pipelines/index.ts'
import { readable } from './readable.ts'
import type { Repositories } from './repositories.ts'

export async function headFiles(
  repositories: Repositories,
  em: EntityManager,
  repositoryId: string,
): Promise<CommitFiles | undefined> {
  const row = await repositories.find(em, repositoryId)
  if (!row) return undefined
  const mirror = repositories.mirrorOf(row)
  const commit = await readable(row, () => mirror.commit(`refs/heads/${row.defaultBranch}`))
  if (!commit) return undefined
  const ask = <T>(read: () => Promise<T>) =>
    read().catch((error: unknown) => {
      // Of the file itself: it is told where it is included.
      if (error instanceof GitError && (error.fault === 'too_large' || error.fault === 'refused')) throw error
      return readable(row, () => Promise.reject(error))
    })
  return {
    read: (path) => ask(() => mirror.file(commit.id, path, limits.includedBytes)),
    list: (folder) => ask(() => mirror.list(commit.id, folder)),
  }
}
