// Owns what the pipeline's row says of its draft: after the document changed, its hash, and its name when that is free.
import { isName } from '@ansflow/proto/limits'
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import type { Db } from '../../platform/db.ts'
import { PipelineEntity, type PipelineRow } from './pipeline.entity.ts'

/** The row as it is now, if there is one. `nameTaken`: by another pipeline of the project, so that the row keeps its own. */
export async function deriveDraft(
  db: Db,
  pipelineId: string,
  { name, hash }: { name: string; hash: string },
  now: Date,
): Promise<{ row?: PipelineRow; nameTaken: boolean }> {
  let row = await db.em().findOne(PipelineEntity, { id: pipelineId })
  if (!row) return { nameTaken: false }
  if (row.draftHash !== hash) {
    await db.em().nativeUpdate(PipelineEntity, { id: pipelineId }, { draftHash: hash, updatedAt: now })
    row = { ...row, draftHash: hash, updatedAt: now }
  }
  if (row.name === name || !isName(name)) return { row, nameTaken: false }
  try {
    await db.em().nativeUpdate(PipelineEntity, { id: pipelineId }, { name, updatedAt: now })
    return { row: { ...row, name, updatedAt: now }, nameTaken: false }
  } catch (error) {
    if (error instanceof UniqueConstraintViolationException) return { row, nameTaken: true }
    throw error
  }
}
