// Which pipelines something in a repository starts, asked one by one: the files at its commit, and those that are kept in AnsFlow.

import { AppError } from '@ansflow/proto/errors'
import {
  type PipelineGraph,
  PipelineGraphSchema,
  Severity,
  TriggersSchema,
} from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { limits } from '@ansflow/proto/limits'
import { type Said, say } from '@ansflow/proto/texts/say'
import type { JsonObject } from '@bufbuild/protobuf'
import { toBinary } from '@bufbuild/protobuf'
import type { EntityManager } from '../../platform/db.ts'
import { GitError, type GitMirror } from '../../platform/git/git.ts'
import type { Workers } from '../../platform/workers.ts'
import type { CallContext } from '../../transport/call.ts'
import {
  type PipelineRow,
  pipelineNames,
  runnableGraph,
  type StillHead,
  type TakeFile,
  type TakenFile,
} from '../pipelines/index.ts'
import type { RepositoryRow } from '../repositories/index.ts'
import { refusalOf } from '../runs/index.ts'
import { deliveryTasks } from './delivery-task-file.ts'
import type { Happening } from './happening.ts'
import { RepositoryTriggerEntity } from './repository-trigger.entity.ts'
import { stillHead } from './still-head.ts'

export interface Decision {
  pipelineId: string
  pipelineName: string
  /** Of the file; empty: it is kept in AnsFlow. */
  path: string
  /** Why not. */
  why?: Said
  /** What is started. */
  start?: Startable
}

export interface Startable {
  pipeline: Pick<PipelineRow, 'id' | 'name' | 'projectId'>
  graph: PipelineGraph
  version: number
  /** As the trigger writes them. */
  inputs: JsonObject
  /** Of the repository. */
  isFile: boolean
}

export interface DecideDeps {
  em: EntityManager
  workers: Workers
  takeFile(asked: TakeFile): Promise<TakenFile>
  /** As an act of the repository's. */
  change: CallContext['change']
  now: Date
}

export interface Question {
  repository: RepositoryRow
  mirror: GitMirror
  happening: Happening
  /** Whose files count; undefined: those of no commit. */
  filesAt: string | undefined
  /** Where the default branch stands. */
  head: string | undefined
  /** Strangers have written the files, or chosen among them. */
  ofStrangers: boolean
  signal: AbortSignal
}

/** What is asked of one repository. */
const mostFiles = 100

export async function decide(deps: DecideDeps, question: Question): Promise<Decision[]> {
  const files = await decideFiles(deps, question)
  return [...files, ...(await decideKept(deps, question))]
}

/** Files of pipelines at a commit. Throws `GitError`. */
export async function pipelineFiles(mirror: GitMirror, commit: string): Promise<string[]> {
  const isFile = (name: string) => /\.ya?ml$/.test(name)
  const top = (await mirror.list(commit, '')).filter((name) => /^\.?ansflow\.ya?ml$/.test(name))
  const inside = (await mirror.list(commit, '.ansflow')).filter(isFile).map((name) => `.ansflow/${name}`)
  return [...top, ...inside].filter((path) => path.length <= 255).slice(0, mostFiles)
}

async function decideFiles(deps: DecideDeps, question: Question): Promise<Decision[]> {
  const { mirror, filesAt, head, repository, signal } = question
  if (filesAt === undefined) return []
  const at = { branch: repository.defaultBranch, commit: filesAt }
  const isHead = filesAt === head && stillHead(mirror, at, signal)
  const decisions: Decision[] = []
  for (const path of await pipelineFiles(mirror, filesAt)) {
    const decision = await decideFile(deps, question, { path, isHead })
    if (decision) decisions.push(decision)
  }
  return decisions
}

async function decideFile(
  deps: DecideDeps,
  question: Question,
  { path, isHead }: { path: string; isHead: false | StillHead },
): Promise<Decision | undefined> {
  const { filesAt = '', repository, ofStrangers } = question
  const none = { pipelineId: '', pipelineName: '', path }
  const read = await takeFileAt(deps, question, { path, commit: filesAt, isHead, ofStrangers })
  if ('isTemplates' in read) return undefined
  if ('why' in read) return { ...none, why: read.why }
  const { pipeline, graph, version } = read.taken
  const named = { pipelineId: pipeline.id, pipelineName: pipeline.name, path }
  const triggers = graph.triggers ? [toBinary(TriggersSchema, graph.triggers)] : []
  const [answer] = await ask(deps, question, triggers, repository.fullName)
  if (!answer) return { ...named, why: say('gate_none', { event: question.happening.event.kind }) }
  if (!answer.starts) return { ...named, why: answer.why }
  return { ...named, start: { pipeline, graph, version, inputs: answer.inputs, isFile: true } }
}

export async function takeFileAt(
  { takeFile, change, now }: Pick<DecideDeps, 'takeFile' | 'change' | 'now'>,
  { repository, mirror }: Pick<Question, 'repository' | 'mirror'>,
  {
    path,
    commit,
    isHead,
    ofStrangers,
  }: { path: string; commit: string; isHead: false | StillHead } & Pick<TakeFile, 'ofStrangers'>,
): Promise<{ taken: NonNullable<TakenFile['taken']> } | { why: Said } | { isTemplates: true }> {
  let yaml: string | undefined
  try {
    yaml = await mirror.file(commit, path, limits.fileBytes)
  } catch (error) {
    const isOfFile = error instanceof GitError && (error.fault === 'too_large' || error.fault === 'refused')
    if (!isOfFile) throw error
    return { why: say('delivery_file_unread', { path, detail: error.message }) }
  }
  if (yaml === undefined) return { why: say('delivery_file_unread', { path, detail: 'it is gone' }) }
  const { organizationId, projectId, id: repositoryId, fullName } = repository
  const asked: TakeFile = {
    scope: { organizationId, projectId },
    file: { repositoryId, path },
    yaml,
    files: {
      read: (beside) => mirror.file(commit, beside, limits.includedBytes),
      list: (folder) => mirror.list(commit, folder),
    },
    note: `${fullName} ${commit.slice(0, 12)}`,
    author: fullName,
    isHead: isHead !== false,
    ...(isHead && { stillHead: isHead }),
    ofStrangers,
    change,
    now,
  }
  const answer = await takeFile(asked).catch(refusalOf)
  if (answer instanceof AppError) {
    return { why: say('delivery_file_unread', { path, detail: answer.message.slice(0, 200) }) }
  }
  const { problems, name, taken, isTemplates } = answer
  if (isTemplates) return { isTemplates }
  const wrong = problems.find(({ severity }) => severity === Severity.ERROR)
  if (wrong) {
    const problem = { code: wrong.code, params: wrong.params } as Said
    return { why: say('delivery_file', { path, problem }) }
  }
  if (taken) return { taken }
  if (answer.leftTo) return { why: say('delivery_left', { path, name: answer.leftTo.name }) }
  return { why: ofStrangers ? say('delivery_new_file', { path }) : say('delivery_name', { path, name }) }
}

/** Those of the project that are kept in AnsFlow. */
async function decideKept(deps: DecideDeps, question: Question): Promise<Decision[]> {
  const { em } = deps
  const { projectId } = question.repository
  const rows = await em.find(RepositoryTriggerEntity, { projectId }, { orderBy: { pipelineId: 'asc' } })
  if (rows.length === 0) return []
  const ids = rows.map((row) => row.pipelineId)
  const names = await pipelineNames(em, ids)
  const answers = await ask(
    deps,
    question,
    rows.map((row) => row.triggers),
    '',
  )
  const decisions: Decision[] = []
  for (const [index, pipelineId] of ids.entries()) {
    const answer = answers[index]
    const pipelineName = names.get(pipelineId)?.name
    if (!answer || pipelineName === undefined) continue
    const named = { pipelineId, pipelineName, path: '' }
    if (!answer.starts) decisions.push({ ...named, why: answer.why })
    else {
      // One that is gone meanwhile holds up none of the others.
      const found = await runnableGraph(em, pipelineId, 0).catch(refusalOf)
      if (found instanceof AppError)
        decisions.push({ ...named, why: say('delivery_refused', { detail: found.message }) })
      else {
        const { pipeline, graph, version } = found
        decisions.push({ ...named, start: { pipeline, graph, version, inputs: answer.inputs, isFile: false } })
      }
    }
  }
  return decisions
}

function ask(
  { workers }: DecideDeps,
  { happening, repository }: Question,
  triggers: Uint8Array[],
  ownRepository: string,
) {
  const { event, changed } = happening
  return workers.run(deliveryTasks, 'askTriggers', { triggers, event, ownRepository, changed }, repository.id)
}

/** What `changed()` answers in a run of this graph. */
export async function changedOf(
  workers: Workers,
  graph: PipelineGraph,
  { changed, git }: Happening,
): Promise<Record<string, boolean>> {
  if (!changed) return {}
  return workers.run(
    deliveryTasks,
    'matchFiles',
    { graph: toBinary(PipelineGraphSchema, graph), changed },
    git.repositoryId,
  )
}
