// Deletes pipelines with their drafts and versions, inside a transaction.
import type { EntityManager } from '../../platform/db.ts'
import { DraftEntity, DraftUpdateEntity } from './draft.entity.ts'
import { PipelineEntity } from './pipeline.entity.ts'
import { PipelineVersionEntity } from './pipeline-version.entity.ts'

/** Answers whether there was one. */
export async function deletePipeline(em: EntityManager, pipelineId: string): Promise<boolean> {
  await em.nativeDelete(DraftUpdateEntity, { pipelineId })
  await em.nativeDelete(DraftEntity, { pipelineId })
  await em.nativeDelete(PipelineVersionEntity, { pipelineId })
  return (await em.nativeDelete(PipelineEntity, { id: pipelineId })) === 1
}

/** A project's part of being deleted. */
export async function deletePipelinesOf(em: EntityManager, projectId: string): Promise<void> {
  const pipelines = await em.find(PipelineEntity, { projectId }, { fields: ['id'] })
  for (const { id } of pipelines) await deletePipeline(em, id)
}
