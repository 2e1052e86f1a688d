// Pipelines that are files of a repository.
import type { EntityManager } from '../../platform/db.ts'
import type { PipelineParticipant } from './participant.ts'
import { PipelineEntity } from './pipeline.entity.ts'
import { tellMoved } from './where-kept.ts'

export async function countPipelinesOf(
  em: EntityManager,
  repositoryIds: readonly string[],
): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const repositoryId of repositoryIds) counts.set(repositoryId, await em.count(PipelineEntity, { repositoryId }))
  return counts
}

/** Of the pipelines that are its files, and of those that have to do with one: by their ids. */
export async function latestVersionsOf(em: EntityManager, repositoryId: string): Promise<Map<string, number>> {
  const here = { $or: [{ repositoryId }, { otherRepositoryId: repositoryId }] }
  const rows = await em.find(PipelineEntity, here, { fields: ['latestVersion'] })
  return new Map(rows.map(({ id, latestVersion }) => [id, latestVersion]))
}

/** Inside a transaction: they are kept in AnsFlow from then on, as they are, and those that were to follow a file there wait no longer. */
export async function releasePipelinesOf(
  em: EntityManager,
  participants: readonly PipelineParticipant[],
  repositoryId: string,
): Promise<void> {
  const here = { $or: [{ repositoryId }, { otherRepositoryId: repositoryId }] }
  const rows = await em.find(PipelineEntity, here, { fields: ['id'] })
  const nowhere = { otherRepositoryId: null, otherFilePath: '', otherFileAwaited: false }
  await em.nativeUpdate(PipelineEntity, { repositoryId }, { repositoryId: null, filePath: '' })
  await em.nativeUpdate(PipelineEntity, { otherRepositoryId: repositoryId }, nowhere)
  await tellMoved(
    em,
    participants,
    rows.map(({ id }) => id),
  )
}
