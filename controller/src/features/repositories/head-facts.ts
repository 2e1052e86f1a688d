// What a run is for that something else than a commit has started, and whose pipeline is a file of a repository: the head of its default
// branch, as it is known. That is where the file is from.
import { type GitFacts, GitFactsSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { create } from '@bufbuild/protobuf'
import type { Db } from '../../platform/db.ts'
import { type GitCommit, GitError } from '../../platform/git/git.ts'
import { findPipeline } from '../pipelines/index.ts'
import type { AskHead } from '../runs/index.ts'
import type { Repositories } from './repositories.ts'
import type { RepositoryRow } from './repository.entity.ts'

interface Deps {
  db: Db
  repositories: Pick<Repositories, 'find' | 'mirrorOf'>
}

/** Whoever has no copy yet says nothing of who made the commit: no run waits for its server. */
const readMs = 2000

export function headFacts({ db, repositories }: Deps): AskHead {
  return async (pipelineId): Promise<GitFacts | undefined> => {
    const pipeline = await findPipeline(db.em(), pipelineId)
    const row = pipeline?.repositoryId && (await repositories.find(db.em(), pipeline.repositoryId))
    if (!row || row.projectId !== pipeline.projectId || row.headCommit === '') return undefined
    const { id, cloneUrl, fullName, defaultBranch, headCommit } = row
    const commit = await commitOf(row, repositories)
    return create(GitFactsSchema, {
      repositoryId: id,
      repository: cloneUrl,
      repositoryName: fullName,
      ref: `refs/heads/${defaultBranch}`,
      branch: defaultBranch,
      commit: headCommit,
      author: commit?.author.slice(0, 256) ?? '',
      message: commit?.message ?? '',
    })
  }
}

async function commitOf(row: RepositoryRow, { mirrorOf }: Deps['repositories']): Promise<GitCommit | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), readMs)
  try {
    return await Promise.race([mirrorOf(row).commit(row.headCommit), late])
  } catch (error) {
    if (error instanceof GitError) return undefined
    throw error
  } finally {
    clearTimeout(timer)
  }
}
