// Gives what a run executes: a version's graph, or the draft as it is stored now, its templates written out, its steps with what they inherit.
import { notFound, precondition } from '@ansflow/proto/errors'
import { type PipelineGraph, PipelineGraphSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { runnable } from '@ansflow/proto/templates/write-out'
import type { EntityManager } from '../../platform/db.ts'
import { reading, readingJson } from '../../platform/message-pieces.ts'
import { inTurns } from '../../platform/turns.ts'
import type { Workers } from '../../platform/workers.ts'
import { readDraft } from './draft-store.ts'
import { draftTasks } from './draft-task-file.ts'
import { PipelineEntity, type PipelineRow } from './pipeline.entity.ts'
import { PipelineVersionEntity, type PipelineVersionRow } from './pipeline-version.entity.ts'
import { hasErrors, problemsAsViolations, problemsFrom } from './problems.ts'

export interface RunnableGraph {
  pipeline: PipelineRow
  graph: PipelineGraph
  /** 0: the draft. */
  version: number
  hash: string
}

/** `version` 0 is the latest one. Throws `not_found`, `failed_precondition` "never_published", or the draft's problems. */
export async function runnableGraph(
  { em, workers, by }: { em: EntityManager; workers: Workers; by: string },
  pipelineId: string,
  version: number | 'draft',
): Promise<RunnableGraph> {
  const pipeline = await em.findOne(PipelineEntity, { id: pipelineId })
  if (!pipeline) throw notFound('pipeline', pipelineId)
  if (version === 'draft') return { pipeline, version: 0, ...(await runnableDraft({ em, workers, by }, pipelineId)) }
  const number = version === 0 ? pipeline.latestVersion : version
  if (number === 0) {
    throw precondition('never_published', 'The pipeline has no version yet. Publish it, or run the draft.')
  }
  const row = await loadVersion(em, pipelineId, number)
  return { pipeline, graph: await inTurns(runnable(await graphOf(row))), version: number, hash: row.hash }
}

async function runnableDraft(
  { em, workers, by }: { em: EntityManager; workers: Workers; by: string },
  pipelineId: string,
): Promise<{ graph: PipelineGraph; hash: string }> {
  const stored = await readDraft(em, pipelineId)
  if (!stored) throw notFound('pipeline', pipelineId)
  const { graph, problems, hash } = await workers.run(draftTasks, 'draftToRun', stored.updates, by)
  const found = problemsFrom(problems)
  if (hasErrors(found)) throw problemsAsViolations(found)
  return { graph: await inTurns(runnable(await inTurns(reading(PipelineGraphSchema, graph)))), hash }
}

export async function loadVersion(em: EntityManager, pipelineId: string, number: number): Promise<PipelineVersionRow> {
  const row = await em.findOne(PipelineVersionEntity, { pipelineId, number }, { populate: ['graph', 'yaml'] })
  if (!row) throw notFound('version', String(number))
  return row as PipelineVersionRow
}

export function graphOf(version: { graph: string }): Promise<PipelineGraph> {
  return inTurns(readingJson(PipelineGraphSchema, version.graph))
}
