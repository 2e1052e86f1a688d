// Makes a version of a draft: checked as a whole, never twice for the same content, numbered without gaps.
import type { Demands } from '@ansflow/proto/demands'
import { AppError, invalidField, notFound, precondition } from '@ansflow/proto/errors'
import { type Problem, Severity, TriggersSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { AgentLabels } from '@ansflow/proto/validate'
import { fromBinary } from '@bufbuild/protobuf'
import type { EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { Workers } from '../../platform/workers.ts'
import type { CallContext } from '../../transport/call.ts'
import type { PipelineFile } from './create-pipeline.ts'
import { draftTasks } from './draft-task-file.ts'
import type { Drafts } from './drafts.ts'
import type { IncludeSources } from './includes/include-sources.ts'
import { withIncludes } from './includes/resolve-includes.ts'
import type { Lacking } from './lacking.ts'
import type { NewVersion, PipelineParticipant } from './participant.ts'
import { PipelineEntity, type PipelineRow } from './pipeline.entity.ts'
import { PipelineVersionEntity, type PipelineVersionRow } from './pipeline-version.entity.ts'
import { nameProblem, problemsAsViolations, problemsFrom } from './problems.ts'

export interface Publication {
  pipelineId: string
  note: string
  /** "": whatever the draft is. */
  expectedHash: string
  agents: AgentLabels
  lacking: Lacking
  by: { userId: string; name: string }
  may: NewVersion['may']
  now: Date
  /** The file that says so: the pipeline must still be it. */
  ofFile?: PipelineFile
  /** The version that was the latest when the repository was asked; what was made since is made of what it said later. */
  after?: number
}

export interface Published {
  /** As it is afterwards. */
  pipeline: PipelineRow
  version: PipelineVersionRow
  /** False: the newest version says the same already. */
  created: boolean
  /** Warnings. */
  problems: Problem[]
}

interface Publishing {
  change: CallContext['change']
  drafts: Pick<Drafts, 'announce'>
  participants: readonly PipelineParticipant[]
}

const noteLength = 2000

export async function publishDraft(
  publishing: Publishing & { drafts: Drafts; workers: Workers },
  publication: Publication & { includes: () => Promise<IncludeSources> },
): Promise<Published> {
  const { pipelineId, expectedHash, agents, by, includes: sources } = publication
  const { workers } = publishing
  checkNote(publication)
  const updates = await publishing.drafts.updates(pipelineId)
  const content = await withIncludes({ workers, by: by.userId, sources }, (includes) =>
    workers.run(draftTasks, 'draftToPublish', { updates, agents, includes }, by.userId),
  )
  if (expectedHash !== '' && expectedHash !== content.hash) {
    throw precondition('draft_moved', 'The draft has changed since you looked at it.', { hash: content.hash })
  }
  const { yaml } = content
  if (yaml === undefined) {
    throw precondition('not_representable', 'The draft holds something that a pipeline file cannot say.')
  }
  return publishContent(publishing, publication, { ...content, yaml })
}

export async function publishContent(
  { change, drafts, participants }: Publishing,
  publication: Publication,
  content: Content,
): Promise<Published> {
  const { pipelineId, lacking, by } = publication
  checkNote(publication)
  const { demands } = content
  const { calls, environments } = demands
  const triggers = content.triggers && fromBinary(TriggersSchema, content.triggers)
  // Its errors are what the participants throw below.
  const lacks = (await lacking(demands)).filter(({ severity }) => severity === Severity.WARNING)
  const result = await change(async (em) => {
    const published = await insertVersion(em, publication, content)
    if (published.created) {
      const { pipeline, version } = published
      const { may, now } = publication
      const news = { pipeline, number: version.number, triggers, calls, environments, may, by, now }
      for (const each of participants) await each.published?.(em, news)
    }
    const { name } = published.pipeline
    const after = { version: published.version.number, created: published.created, hash: published.version.hash }
    return { result: published, resource: { kind: 'pipeline', id: pipelineId, name }, after }
  })
  if (result.created)
    drafts.announce(pipelineId, { case: 'published', value: { version: result.version.number, by: by.name } })
  return { ...result, problems: [...result.problems, ...lacks] }
}

function checkNote({ note }: Publication): void {
  if (note.length > noteLength) throw invalidField('note', `must have at most ${noteLength} characters`, 'note_length')
}

/** As the tasks of drafts make it. */
export interface Content {
  name: string
  /** Of the file. */
  hash: string
  /** Of the file with what it includes. */
  versionHash: string
  problems: Uint8Array
  demands: Demands
  /** Of a Triggers message. */
  triggers: Uint8Array | undefined
  graph: string
  stepCount: number
  yaml: string
}

async function insertVersion(
  em: EntityManager,
  { pipelineId, note, by, now, ofFile, after }: Publication,
  content: Content,
): Promise<Published> {
  const { name, hash, versionHash, graph, stepCount, yaml } = content
  const pipeline = await em.findOne(PipelineEntity, { id: pipelineId })
  if (!pipeline) throw notFound('pipeline', pipelineId)
  const { repositoryId, filePath } = pipeline
  if (repositoryId !== null && !ofFile) {
    const message = `The pipeline is the file ${filePath} of a repository: what is pushed there is published.`
    throw precondition('pipeline_in_repository', message, { path: filePath })
  }
  if (ofFile && (repositoryId !== ofFile.repositoryId || filePath !== ofFile.path)) throw movedMeanwhile()
  const latest = await em.findOne(PipelineVersionEntity, { pipelineId, number: pipeline.latestVersion })
  const problems = problemsFrom(content.problems)
  if (latest?.hash === versionHash) return { pipeline, version: latest, created: false, problems }
  if (after !== undefined && after !== pipeline.latestVersion) throw overtaken()
  const rival = await em.count(PipelineEntity, {
    projectId: pipeline.projectId,
    name,
    id: { $ne: pipelineId },
  })
  const all = rival > 0 ? [...problems, nameProblem(name)] : problems
  if (all.some(({ severity }) => severity === Severity.ERROR)) throw problemsAsViolations(all)
  const number = pipeline.latestVersion + 1
  // Of a file the draft follows by itself, unless somebody works on it.
  const draft = ofFile ? {} : { draftHash: hash, draftBase: number }
  const head = { latestVersion: number, latestHash: hash, ...draft, name, updatedAt: now }
  const { latestVersion } = pipeline
  const moved = await em.nativeUpdate(PipelineEntity, { id: pipelineId, latestVersion, repositoryId, filePath }, head)
  if (moved !== 1) throw overtaken()
  const version: PipelineVersionRow = em.create(PipelineVersionEntity, {
    id: uuidv7(),
    pipelineId,
    number,
    graph,
    yaml,
    hash: versionHash,
    stepCount,
    note,
    createdBy: by.userId,
    createdByName: by.name,
    createdAt: now,
  })
  await em.flush()
  return { pipeline: { ...pipeline, ...head }, version, created: true, problems }
}

function movedMeanwhile(): AppError {
  return new AppError('aborted', 'The pipeline was moved at the same moment: it is not this file any more.')
}

function overtaken(): AppError {
  return new AppError('aborted', 'Someone else published at the same moment. Look again, then publish.')
}
