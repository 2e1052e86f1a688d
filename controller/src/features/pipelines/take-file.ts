// A pipeline that is a file of a repository: what the file says at a commit, and the pipeline that it is.
import { AppError } from '@ansflow/proto/errors'
import type { PipelineGraph, Problem } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { runnable } from '@ansflow/proto/templates/write-out'
import type { Db } from '../../platform/db.ts'
import { inTurns } from '../../platform/turns.ts'
import type { Workers } from '../../platform/workers.ts'
import type { CallContext, ProjectScope } from '../../transport/call.ts'
import { createPipeline, type PipelineFile } from './create-pipeline.ts'
import { draftTasks } from './draft-task-file.ts'
import type { Drafts } from './drafts.ts'
import { followVersion, settleBase } from './follow-file.ts'
import { type CommitFiles, type IncludeSources, includeSources, type May } from './includes/include-sources.ts'
import { withIncludes } from './includes/resolve-includes.ts'
import type { OneAtATime } from './one-at-a-time.ts'
import type { PipelineParticipant } from './participant.ts'
import { PipelineEntity, type PipelineRow } from './pipeline.entity.ts'
import { PipelineVersionEntity } from './pipeline-version.entity.ts'
import { latestVersionsOf } from './pipelines-of-repository.ts'
import { problemsFrom } from './problems.ts'
import { type Content, type Publication, publishContent } from './publish.ts'
import { graphOf, loadVersion } from './runnable-graph.ts'
import { followFile, otherOf } from './where-kept.ts'

/**
 * Whether the default branch says so still, asked of its server once for all files of a commit. Before that the latest versions are read:
 * what is made after them is made of what the branch said later. Undefined: it says something else by now.
 */
export type StillHead = (versions: () => Promise<LatestVersions>) => Promise<LatestVersions | undefined>

/** Numbers, by pipeline; 0 of those that are missing. */
export type LatestVersions = ReadonlyMap<string, number>

export interface TakeFile {
  scope: ProjectScope
  file: PipelineFile
  yaml: string
  /** Of its commit. */
  files: CommitFiles
  /** Of the version: which commit it was. */
  note: string
  /** Whose it is, as versions and the audit name them. */
  author: string
  /** It is what the default branch says: it becomes the latest version, and the draft follows it unless somebody works on that. */
  isHead: boolean
  /** Asked before a version is made, of what is the head. */
  stillHead?: StillHead
  /** Strangers have written it: it makes no pipeline that there is not. */
  ofStrangers: boolean
  /** In the audit as its act. */
  change: CallContext['change']
  now: Date
}

export interface TakenFile {
  /** Of the file. Errors: it is no pipeline, and nothing has changed. */
  problems: Problem[]
  /** Nor means to be one: others include its templates. */
  isTemplates?: true
  name: string
  /** Absent with errors, and where another pipeline of the project has its name. */
  taken?: {
    pipeline: Pick<PipelineRow, 'id' | 'name' | 'projectId'>
    graph: PipelineGraph /** 0: it is none of its versions. */
    version: number
  }
  /** Its latest version was made of it now. */
  isMade?: true
  /** The pipeline that leaves this file alone, being kept in AnsFlow. */
  leftTo?: PipelineRow
}

export interface TakeFileDeps {
  db: Db
  drafts: Drafts
  workers: Workers
  participants: readonly PipelineParticipant[]
  /** By pipeline. */
  inOrder: OneAtATime
}

/** The file with what it includes; undefined: it is no pipeline, as `taken` says. */
export async function readFileToTake(
  { db, workers }: Pick<TakeFileDeps, 'db' | 'workers'>,
  asked: TakeFile,
): Promise<{ taken: TakenFile; content: Content | undefined }> {
  const { file, yaml, scope } = asked
  const sources = async () => sourcesOf({ db }, asked)
  const content = await withIncludes({ workers, by: scope.projectId, sources }, (includes) =>
    workers.run(draftTasks, 'fileToPublish', { yaml, includes }, scope.projectId),
  )
  const { name, isRight } = content
  const isTemplates = content.isTemplates && file.path.startsWith('.ansflow/')
  const taken = { problems: problemsFrom(content.problems), name, ...(isTemplates && { isTemplates }) }
  return { taken, content: isRight ? content : undefined }
}

function sourcesOf({ db }: Pick<TakeFileDeps, 'db'>, { scope, files }: TakeFile): IncludeSources {
  return includeSources(db.em(), { projectId: scope.projectId, files, may: mayOf(scope) })
}

/** Throws what makes a version impossible: a violation, or `aborted`. */
export async function takeFile(deps: TakeFileDeps, asked: TakeFile): Promise<TakenFile> {
  const { db, workers } = deps
  const { file, yaml, scope, now, change } = asked
  const { taken, content } = await readFileToTake(deps, asked)
  if (!content) return taken
  const { problems, name } = taken
  const where = { repositoryId: file.repositoryId, filePath: file.path }
  let pipeline = await db.em().findOne(PipelineEntity, where)
  if (!pipeline && asked.ofStrangers) return { problems, name }
  if (!pipeline) {
    const { other, leftTo } = await otherOf(db.em(), asked, name)
    if (leftTo) return { problems, name, leftTo }
    if (other) pipeline = await beginToFollow(deps, asked, other)
  }
  if (!pipeline) {
    const seed = await workers.run(draftTasks, 'seedFromFile', yaml, scope.projectId)
    try {
      pipeline = await createPipeline(change, scope.projectId, seed, now, file)
    } catch (error) {
      if (!(error instanceof AppError) || error.reason !== 'name_taken') throw error
      // Somebody else may have taken the same file at this moment.
      pipeline = await db.em().findOne(PipelineEntity, where)
      if (!pipeline) return { problems, name }
    }
  }
  let isMade = false
  if (asked.isHead) ({ pipeline, isMade } = await becomeLatest(deps, asked, pipeline, content))
  const known = await db
    .em()
    .findOne(
      PipelineVersionEntity,
      { pipelineId: pipeline.id, hash: content.versionHash },
      { orderBy: { number: 'desc' } },
    )
  const graph = await inTurns(runnable(await graphOf(content)))
  return { problems, name, taken: { pipeline, graph, version: known?.number ?? 0 }, ...(isMade && { isMade }) }
}

function beginToFollow(
  { participants }: TakeFileDeps,
  { change, file }: TakeFile,
  other: PipelineRow,
): Promise<PipelineRow> {
  return change(async (em) => {
    const result = await followFile(em, participants, other, file)
    const resource = { kind: 'pipeline', id: other.id, name: other.name }
    return { result, resource, after: { file: file.path } }
  })
}

/** A file has no person's rights: it reaches what its own project has. */
function mayOf(own: ProjectScope): May {
  return (_permission, { projectId }) => projectId === own.projectId
}

/** What the default branch says. */
export function headPublication({ scope, file, note, author, now }: TakeFile, pipelineId: string): Publication {
  return {
    pipelineId,
    note,
    expectedHash: '',
    agents: [],
    lacking: async () => [],
    by: { userId: '', name: author },
    may: mayOf(scope),
    now,
    ofFile: file,
  }
}

type Became = { pipeline: PipelineRow; isMade: boolean }

/** Unless the default branch says something else by now: whoever takes that makes the version, and neither writes over the other's. */
async function becomeLatest(
  deps: TakeFileDeps,
  asked: TakeFile,
  before: PipelineRow,
  content: Content,
): Promise<Became> {
  const { id, latestVersion: number } = before
  const em = deps.db.em()
  const latest = await em.findOne(PipelineVersionEntity, { pipelineId: id, number }, { fields: ['hash'] })
  const isNew = latest?.hash !== content.versionHash
  const read = () => latestVersionsOf(em, asked.file.repositoryId)
  const known = isNew && asked.stillHead ? await asked.stillHead(read) : new Map([[id, number]])
  if (!known) return { pipeline: before, isMade: false }
  return deps.inOrder(id, () => publishHead(deps, asked, { before, content, after: known.get(id) ?? 0, isNew }))
}

async function publishHead(
  deps: TakeFileDeps,
  asked: TakeFile,
  { before, content, after, isNew }: { before: PipelineRow; content: Content; after: number; isNew: boolean },
): Promise<Became> {
  const { change, yaml, author, now } = asked
  const { id: pipelineId, latestVersion, draftBase } = before
  const sources = async () => sourcesOf(deps, asked)
  // A pipeline that was never published has the draft of the file that made it.
  const unedited = draftBase > 0 ? [] : [before.latestHash, before.proposedHash].filter((hash) => hash !== '')
  const followed = { pipelineId, sources, unedited }
  // Of whoever died before that was written down: behind a further version nobody could tell.
  if (isNew && draftBase > 0 && draftBase < latestVersion) {
    const latest = await loadVersion(deps.db.em(), pipelineId, latestVersion)
    await settleBase(deps, { ...followed, version: latestVersion, yaml: latest.yaml })
  }
  const publication = { ...headPublication(asked, pipelineId), after }
  const { pipeline, version, created } = await publishContent({ ...deps, change }, publication, content)
  const row = await followVersion(deps, { ...followed, version: version.number, yaml }, { author, now })
  return { pipeline: row ?? pipeline, isMade: created }
}
