// Makes a pipeline: its row and the first state of its draft, in one transaction.
import { conflict } from '@ansflow/proto/errors'
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import type { EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { CallContext } from '../../transport/call.ts'
import { insertDraft } from './draft-store.ts'
import { PipelineEntity, type PipelineRow } from './pipeline.entity.ts'
import type { Seed } from './seed.ts'

/** Of a repository of the project. */
export interface PipelineFile {
  repositoryId: string
  path: string
}

export async function createPipeline(
  change: CallContext['change'],
  projectId: string,
  seed: Seed,
  now: Date,
  file?: PipelineFile,
): Promise<PipelineRow> {
  const { name } = seed
  try {
    return await change(async (em) => {
      const row = await insertPipeline(em, projectId, seed, now, file)
      return { result: row, resource: { kind: 'pipeline', id: row.id, name }, after: { name } }
    })
  } catch (error) {
    if (!(error instanceof UniqueConstraintViolationException)) throw error
    throw nameTaken(name)
  }
}

/** Inside a transaction. */
export async function insertPipeline(
  em: EntityManager,
  projectId: string,
  { name, hash, state }: Seed,
  now: Date,
  file?: PipelineFile,
): Promise<PipelineRow> {
  const row = em.create(PipelineEntity, {
    id: uuidv7(),
    projectId,
    name,
    latestVersion: 0,
    latestHash: '',
    draftHash: hash,
    repositoryId: file?.repositoryId ?? null,
    filePath: file?.path ?? '',
    draftBase: 0,
    proposedHash: file ? hash : '',
    otherRepositoryId: null,
    otherFilePath: '',
    otherFileAwaited: false,
    createdAt: now,
    updatedAt: now,
  })
  await em.flush()
  await insertDraft(em, row.id, state)
  return row
}

export function nameTaken(name: string): Error {
  return conflict('name_taken', `The project has a pipeline "${name}" already.`, { name })
}
