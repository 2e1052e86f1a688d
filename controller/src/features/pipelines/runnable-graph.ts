// Gives what a run executes: a version's graph, or the draft as it is stored now.
import { graphHash } from '@ansflow/proto/canonical'
import { notFound, precondition } from '@ansflow/proto/errors'
import { type PipelineGraph, PipelineGraphSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { project } from '@ansflow/proto/pipeline-doc'
import { fromJsonString } from '@bufbuild/protobuf'
import type { EntityManager } from '../../platform/db.ts'
import { loadDraft } from './draft-store.ts'
import { PipelineEntity, type PipelineRow } from './pipeline.entity.ts'
import { PipelineVersionEntity, type PipelineVersionRow } from './pipeline-version.entity.ts'
import { problemsAsViolations } from './publish.ts'
import { hasErrors } from './read-draft.ts'

export interface RunnableGraph {
  pipeline: PipelineRow
  graph: PipelineGraph
  /** 0: the draft. */
  version: number
  hash: string
}

/** `version` 0 is the latest one. Throws `not_found`, `failed_precondition` "never_published", or the draft's problems. */
export async function runnableGraph(
  em: EntityManager,
  pipelineId: string,
  version: number | 'draft',
): Promise<RunnableGraph> {
  const pipeline = await em.findOne(PipelineEntity, { id: pipelineId })
  if (!pipeline) throw notFound('pipeline', pipelineId)
  if (version === 'draft') return { pipeline, version: 0, ...(await runnableDraft(em, pipelineId)) }
  const number = version === 0 ? pipeline.latestVersion : version
  if (number === 0) {
    throw precondition('never_published', 'The pipeline has no version yet. Publish it, or run the draft.')
  }
  const row = await loadVersion(em, pipelineId, number)
  return { pipeline, graph: graphOf(row), version: number, hash: row.hash }
}

async function runnableDraft(em: EntityManager, pipelineId: string): Promise<{ graph: PipelineGraph; hash: string }> {
  const doc = await loadDraft(em, pipelineId)
  if (!doc) throw notFound('pipeline', pipelineId)
  const { graph, problems } = project(doc)
  doc.destroy()
  if (hasErrors(problems)) throw problemsAsViolations(problems)
  return { graph, hash: graphHash(graph) }
}

export async function loadVersion(em: EntityManager, pipelineId: string, number: number): Promise<PipelineVersionRow> {
  const row = await em.findOne(PipelineVersionEntity, { pipelineId, number }, { populate: ['graph', 'yaml'] })
  if (!row) throw notFound('version', String(number))
  return row as PipelineVersionRow
}

export function graphOf(version: { graph: string }): PipelineGraph {
  return fromJsonString(PipelineGraphSchema, version.graph, { ignoreUnknownFields: true })
}
