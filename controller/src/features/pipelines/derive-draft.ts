// Owns what the pipeline's row says of its draft: after the document changed, its hash, and its name when that is free.
import { graphHash } from '@ansflow/proto/canonical'
import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { limits } from '@ansflow/proto/limits'
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import type { Db } from '../../platform/db.ts'
import { PipelineEntity } from './pipeline.entity.ts'

/** True: the name is taken by another pipeline of the project, so the row keeps its own. */
export async function deriveDraft(
  db: Db,
  pipelineId: string,
  graph: PipelineGraph,
  now: Date,
): Promise<{ nameTaken: boolean }> {
  const draftHash = graphHash(graph)
  const row = await db.em().findOne(PipelineEntity, { id: pipelineId })
  if (!row) return { nameTaken: false }
  if (row.draftHash !== draftHash) {
    await db.em().nativeUpdate(PipelineEntity, { id: pipelineId }, { draftHash, updatedAt: now })
  }
  const { name } = graph
  if (row.name === name || name === '' || name.length > limits.nameLength) return { nameTaken: false }
  try {
    await db.em().nativeUpdate(PipelineEntity, { id: pipelineId }, { name, updatedAt: now })
    return { nameTaken: false }
  } catch (error) {
    if (error instanceof UniqueConstraintViolationException) return { nameTaken: true }
    throw error
  }
}
