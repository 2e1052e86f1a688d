// Which pipelines something in a repository starts, asked one by one: the files at its commit, and those that are kept in AnsFlow.

import { AppError } from '@ansflow/proto/errors'
import { type PipelineGraph, PipelineGraphSchema, TriggersSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { type Said, say } from '@ansflow/proto/texts/say'
import type { JsonObject } from '@bufbuild/protobuf'
import { toBinary } from '@bufbuild/protobuf'
import type { EntityManager } from '../../platform/db.ts'
import type { GitMirror } from '../../platform/git/git.ts'
import type { Workers } from '../../platform/workers.ts'
import { type PipelineRow, pipelineNames, runnableGraph } from '../pipelines/index.ts'
import type { RepositoryRow } from '../repositories/index.ts'
import { refusalOf } from '../runs/index.ts'
import { deliveryTasks } from './delivery-task-file.ts'
import type { Happening } from './happening.ts'
import { RepositoryTriggerEntity } from './repository-trigger.entity.ts'
import { stillHead } from './still-head.ts'
import type { TakeDeps, TakenAt } from './take-file-at.ts'
import { pathsMade, takeFilesAt } from './take-files-at.ts'
import { takeLater } from './take-later.ts'

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

export interface DecideDeps extends TakeDeps {
  em: EntityManager
  workers: Workers
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

export async function decide(deps: DecideDeps, question: Question): Promise<Decision[]> {
  const files = await decideFiles(deps, question)
  return [...files, ...(await decideKept(deps, question))]
}

async function decideFiles(deps: DecideDeps, question: Question): Promise<Decision[]> {
  const { mirror, filesAt, head, repository, ofStrangers, signal } = question
  if (filesAt === undefined) return []
  const at = { branch: repository.defaultBranch, commit: filesAt }
  const isHead = filesAt === head && stillHead(mirror, at, signal)
  const decisions: Decision[] = []
  const taken = await takeFilesAt(deps, question, { commit: filesAt, isHead, ofStrangers })
  for (const [path, read] of taken) {
    const decision = await decideFile(deps, question, path, read)
    if (decision) decisions.push(decision)
  }
  await takeLater(deps, { repository, mirror, signal }, { paths: pathsMade(taken), commit: filesAt })
  return decisions
}

async function decideFile(
  deps: DecideDeps,
  question: Question,
  path: string,
  read: TakenAt,
): Promise<Decision | undefined> {
  const { repository } = question
  const none = { pipelineId: '', pipelineName: '', path }
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
