// Makes a version of a draft: checked as a whole, never twice for the same content, numbered without gaps.
import { graphHash } from '@ansflow/proto/canonical'
import { AppError, invalid, invalidField, notFound, precondition } from '@ansflow/proto/errors'
import { PipelineGraphSchema, type Problem, Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { parsePipeline, renderPipeline } from '@ansflow/proto/pipeline-yaml'
import { toJsonString } from '@bufbuild/protobuf'
import type { Db, EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { Drafts } from './drafts.ts'
import { PipelineEntity, type PipelineRow } from './pipeline.entity.ts'
import { PipelineVersionEntity, type PipelineVersionRow } from './pipeline-version.entity.ts'
import { type DraftContent, draftContent, nameProblem } from './read-draft.ts'

export interface Publication {
  pipelineId: string
  note: string
  /** "": whatever the draft is. */
  expectedHash: string
  by: { userId: string; name: string }
  now: Date
}

export interface Published {
  /** As it is afterwards. */
  pipeline: PipelineRow
  version: PipelineVersionRow
  /** False: the newest version says the same already. */
  created: boolean
}

const noteLength = 2000

export async function publishDraft(db: Db, drafts: Drafts, publication: Publication): Promise<Published> {
  const { pipelineId, note, expectedHash, by } = publication
  if (note.length > noteLength) throw invalidField('note', `must have at most ${noteLength} characters`, 'note_length')
  const content = await drafts.read(pipelineId, draftContent)
  if (expectedHash !== '' && expectedHash !== content.hash) {
    throw precondition('draft_moved', 'The draft has changed since you looked at it.', { hash: content.hash })
  }
  const yaml = fileOf(content)
  const result = await db.transaction((em) => insertVersion(em, publication, content, yaml))
  if (result.created) drafts.announce(pipelineId, { kind: 'published', version: result.version.number, by: by.name })
  return result
}

export function problemsAsViolations(problems: readonly Problem[]): AppError {
  const errors = problems.filter(({ severity }) => severity === Severity.ERROR)
  return invalid(
    errors.map(({ stepId, field, message }) => ({ field: [stepId, field].filter(Boolean).join('.'), message })),
    'pipeline_invalid',
  )
}

/** The draft as a file that reads as the same graph. */
function fileOf({ graph, yaml, hash }: DraftContent): string {
  for (const candidate of [yaml, renderPipeline(graph)]) {
    if (graphHash(parsePipeline(candidate).graph) === hash) return candidate
  }
  throw precondition('not_representable', 'The draft holds something that a pipeline file cannot say.')
}

async function insertVersion(
  em: EntityManager,
  { pipelineId, note, by, now }: Publication,
  { graph, problems, hash }: DraftContent,
  yaml: string,
): Promise<Published> {
  const pipeline = await em.findOne(PipelineEntity, { id: pipelineId })
  if (!pipeline) throw notFound('pipeline', pipelineId)
  const latest = await em.findOne(PipelineVersionEntity, { pipelineId, number: pipeline.latestVersion })
  if (latest?.hash === hash) return { pipeline, version: latest, created: false }
  const rival = await em.count(PipelineEntity, {
    projectId: pipeline.projectId,
    name: graph.name,
    id: { $ne: pipelineId },
  })
  const all = rival > 0 ? [...problems, nameProblem(graph.name)] : problems
  if (all.some(({ severity }) => severity === Severity.ERROR)) throw problemsAsViolations(all)
  const number = pipeline.latestVersion + 1
  const head = { latestVersion: number, latestHash: hash, draftHash: hash, name: graph.name, updatedAt: now }
  const moved = await em.nativeUpdate(PipelineEntity, { id: pipelineId, latestVersion: pipeline.latestVersion }, head)
  if (moved !== 1) throw new AppError('aborted', 'Someone else published at the same moment. Look again, then publish.')
  const version: PipelineVersionRow = em.create(PipelineVersionEntity, {
    id: uuidv7(),
    pipelineId,
    number,
    graph: toJsonString(PipelineGraphSchema, graph),
    yaml,
    hash,
    stepCount: graph.steps.length,
    note,
    createdBy: by.userId,
    createdByName: by.name,
    createdAt: now,
  })
  await em.flush()
  return { pipeline: { ...pipeline, ...head }, version, created: true }
}
