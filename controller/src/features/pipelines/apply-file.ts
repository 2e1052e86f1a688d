// Makes the draft of the pipeline with a file's name say what the file says; makes the pipeline when there is none.
import type { Problem } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { applyGraph } from '@ansflow/proto/pipeline-doc'
import { parsePipeline } from '@ansflow/proto/pipeline-yaml'
import type { Db } from '../../platform/db.ts'
import { createPipeline } from './create-pipeline.ts'
import { deriveDraft } from './derive-draft.ts'
import type { Drafts } from './drafts.ts'
import { PipelineEntity, type PipelineRow } from './pipeline.entity.ts'
import { hasErrors } from './read-draft.ts'

export interface FileApplication {
  db: Db
  drafts: Drafts
  projectId: string
  yaml: string
  by: { userId: string; name: string }
  now: Date
}

/** `row` is undefined when the file has errors: nothing was changed. */
export async function applyFile({
  db,
  drafts,
  projectId,
  yaml,
  by,
  now,
}: FileApplication): Promise<{ row: PipelineRow | undefined; problems: Problem[] }> {
  const { graph, problems } = parsePipeline(yaml)
  if (hasErrors(problems)) return { row: undefined, problems }
  const present = await db.em().findOne(PipelineEntity, { projectId, name: graph.name })
  if (!present) return { row: await createPipeline(db, projectId, { graph, source: yaml }, now), problems }
  const changed = await drafts.edit(present.id, (doc) => {
    let updates = 0
    const count = (): void => {
      updates += 1
    }
    doc.on('update', count)
    applyGraph(doc, graph, yaml, { user: by.userId })
    doc.off('update', count)
    return updates > 0
  })
  if (!changed) return { row: present, problems }
  const { row = present } = await deriveDraft(db, present.id, graph, now)
  drafts.announce(present.id, { kind: 'applied', by: by.name })
  return { row, problems }
}
