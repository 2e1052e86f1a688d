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
import type { DraftIncludes } from './includes/include-sources.ts'
import { withIncludes } from './includes/resolve-includes.ts'
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

/** `version` 0 is the latest one. Throws `not_found`, or `failed_precondition` "never_published". */
export async function runnableGraph(em: EntityManager, pipelineId: string, version: number): Promise<RunnableGraph> {
  const pipeline = await em.findOne(PipelineEntity, { id: pipelineId })
  if (!pipeline) throw notFound('pipeline', pipelineId)
  const number = version === 0 ? pipeline.latestVersion : version
  if (number === 0) {
    throw precondition('never_published', 'The pipeline has no version yet. Publish it, or run the draft.')
  }
  const row = await loadVersion(em, pipelineId, number)
  return { pipeline, graph: await inTurns(runnable(await graphOf(row))), version: number, hash: row.hash }
}

interface FromDraft {
  em: EntityManager
  workers: Workers
  by: string
  includes: DraftIncludes
}

/** Throws `not_found`, or the draft's problems. */
export async function runnableDraft(
  { em, workers, by, includes: sourcesOf }: FromDraft,
  pipelineId: string,
): Promise<RunnableGraph> {
  const pipeline = await em.findOne(PipelineEntity, { id: pipelineId })
  const stored = await readDraft(em, pipelineId)
  if (!pipeline || !stored) throw notFound('pipeline', pipelineId)
  const { updates } = stored
  const sources = () => sourcesOf(pipeline)
  const { graph, problems, hash } = await withIncludes({ workers, by, sources }, (includes) =>
    workers.run(draftTasks, 'draftToRun', { updates, includes }, by),
  )
  const found = problemsFrom(problems)
  if (hasErrors(found)) throw problemsAsViolations(found)
  const whole = await inTurns(reading(PipelineGraphSchema, graph))
  return { pipeline, graph: await inTurns(runnable(whole)), version: 0, hash }
}

export async function loadVersion(em: EntityManager, pipelineId: string, number: number): Promise<PipelineVersionRow> {
  const row = await em.findOne(PipelineVersionEntity, { pipelineId, number }, { populate: ['graph', 'yaml'] })
  if (!row) throw notFound('version', String(number))
  return row as PipelineVersionRow
}

export function graphOf(version: { graph: string }): Promise<PipelineGraph> {
  return inTurns(readingJson(PipelineGraphSchema, version.graph))
}
