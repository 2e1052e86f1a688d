// Where a pipeline is kept: in AnsFlow, or as a file of a repository, which says what its versions are. Inside transactions.
import { AppError, precondition } from '@ansflow/proto/errors'
import type { EntityManager } from '../../platform/db.ts'
import type { PipelineFile } from './create-pipeline.ts'
import type { PipelineParticipant } from './participant.ts'
import { PipelineEntity, type PipelineRow } from './pipeline.entity.ts'
import { graphOf, loadVersion } from './runnable-graph.ts'

type Participants = readonly PipelineParticipant[]

/** It remembers its file, which is left alone from now on. */
export async function keepInAnsflow(em: EntityManager, participants: Participants, row: PipelineRow): Promise<void> {
  const { id, repositoryId, filePath } = row
  if (repositoryId === null) throw precondition('pipeline_kept', 'The pipeline is kept in AnsFlow already.')
  const kept = { repositoryId: null, filePath: '' }
  const left = { otherRepositoryId: repositoryId, otherFilePath: filePath, otherFileAwaited: false }
  const moved = await em.nativeUpdate(PipelineEntity, { id, repositoryId, filePath }, { ...kept, ...left })
  if (moved !== 1) throw new AppError('aborted', 'Somebody else moved the pipeline at the same moment. Look again.')
  await tellMoved(em, participants, [id])
}

/** It follows this file as soon as the default branch has it. */
export async function awaitFile(em: EntityManager, pipelineId: string, file: PipelineFile): Promise<void> {
  const other = { otherRepositoryId: file.repositoryId, otherFilePath: file.path, otherFileAwaited: true }
  await em.nativeUpdate(PipelineEntity, { id: pipelineId, repositoryId: null }, other)
}

/** A pipeline that is kept in AnsFlow and has to do with a file: it begins to follow it, or leaves it alone. */
export async function otherOf(
  em: EntityManager,
  { scope, file, isHead }: { scope: { projectId: string }; file: PipelineFile; isHead: boolean },
  name: string,
): Promise<{ other?: PipelineRow; leftTo?: PipelineRow }> {
  const where = { projectId: scope.projectId, otherRepositoryId: file.repositoryId, otherFilePath: file.path }
  const other = await em.findOne(PipelineEntity, where)
  if (!other) return {}
  // Of another branch it is no news: only what the default branch has is followed.
  return other.otherFileAwaited && other.name === name && isHead ? { other } : { leftTo: other }
}

/** As it was before. */
export async function stopAwaiting(em: EntityManager, row: PipelineRow): Promise<void> {
  const { otherRepositoryId, otherFilePath, otherFileAwaited } = row
  await em.nativeUpdate(PipelineEntity, { id: row.id }, { otherRepositoryId, otherFilePath, otherFileAwaited })
}

/** The file is there: it says what its versions are. */
export async function followFile(
  em: EntityManager,
  participants: Participants,
  row: PipelineRow,
  { repositoryId, path }: PipelineFile,
): Promise<PipelineRow> {
  const follows = {
    ...{ repositoryId, filePath: path },
    ...{ otherRepositoryId: null, otherFilePath: '', otherFileAwaited: false },
  }
  const isMoved = (await em.nativeUpdate(PipelineEntity, { id: row.id, repositoryId: null }, follows)) === 1
  if (isMoved) await tellMoved(em, participants, [row.id])
  return { ...row, ...follows }
}

/** After they were moved, which holds their rows: as they are now, with versions that somebody may have made just before. */
export async function tellMoved(em: EntityManager, participants: Participants, ids: readonly string[]): Promise<void> {
  for (const pipeline of await em.find(PipelineEntity, { id: { $in: [...ids] } }, { refresh: true })) {
    const { id, latestVersion } = pipeline
    const graph = latestVersion > 0 ? await graphOf(await loadVersion(em, id, latestVersion)) : undefined
    for (const each of participants) await each.moved?.(em, { pipeline, triggers: graph?.triggers })
  }
}
