// Makes a pipeline: its row and the first state of its draft, in one transaction.
import { graphHash } from '@ansflow/proto/canonical'
import { conflict } from '@ansflow/proto/errors'
import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { newDoc } from '@ansflow/proto/pipeline-doc'
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import type { Db } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { insertDraft } from './draft-store.ts'
import { PipelineEntity, type PipelineRow } from './pipeline.entity.ts'

export async function createPipeline(
  db: Db,
  projectId: string,
  { graph, source }: { graph: PipelineGraph; source: string },
  now: Date,
): Promise<PipelineRow> {
  const doc = newDoc(graph, source)
  try {
    return await db.transaction(async (em) => {
      const row = em.create(PipelineEntity, {
        id: uuidv7(),
        projectId,
        name: graph.name,
        latestVersion: 0,
        latestHash: '',
        draftHash: graphHash(graph),
        createdAt: now,
        updatedAt: now,
      })
      await em.flush()
      await insertDraft(em, row.id, doc)
      return row
    })
  } catch (error) {
    if (!(error instanceof UniqueConstraintViolationException)) throw error
    throw nameTaken(graph.name)
  } finally {
    doc.destroy()
  }
}

export function nameTaken(name: string): Error {
  return conflict('name_taken', `The project has a pipeline "${name}" already.`, { name })
}
