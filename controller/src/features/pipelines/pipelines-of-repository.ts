// Pipelines that are files of a repository.
import type { EntityManager } from '../../platform/db.ts'
import { PipelineEntity } from './pipeline.entity.ts'

export async function countPipelinesOf(
  em: EntityManager,
  repositoryIds: readonly string[],
): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const repositoryId of repositoryIds) counts.set(repositoryId, await em.count(PipelineEntity, { repositoryId }))
  return counts
}

/** Inside a transaction: they are kept in AnsFlow from then on, as they are. */
export async function releasePipelinesOf(em: EntityManager, repositoryId: string): Promise<void> {
  await em.nativeUpdate(PipelineEntity, { repositoryId }, { repositoryId: null, filePath: '' })
  const nowhere = { otherRepositoryId: null, otherFilePath: '', otherFileAwaited: false }
  await em.nativeUpdate(PipelineEntity, { otherRepositoryId: repositoryId }, nowhere)
}
