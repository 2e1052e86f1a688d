// Keeps beside each pipeline what in repositories starts it, in the transactions that make its versions.
import { TriggersSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { toBinary } from '@bufbuild/protobuf'
import type { EntityManager } from '../../platform/db.ts'
import type { NewVersion, PipelineParticipant } from '../pipelines/index.ts'
import { RepositoryTriggerEntity } from './repository-trigger.entity.ts'

export const triggerKeeper: PipelineParticipant = {
  name: 'deliveries',

  published: keepTriggers,
  // Of a file in a repository the file at each commit says it.
  moved: keepTriggers,

  async deleted(em, pipelineId) {
    await em.nativeDelete(RepositoryTriggerEntity, { pipelineId })
  },
}

async function keepTriggers(
  em: EntityManager,
  { pipeline, triggers }: Pick<NewVersion, 'pipeline' | 'triggers'>,
): Promise<void> {
  const pipelineId = pipeline.id
  await em.nativeDelete(RepositoryTriggerEntity, { pipelineId })
  const { push, pullRequest, comments = [], release } = triggers ?? {}
  const isAsked = push || pullRequest || comments.length > 0 || release
  if (pipeline.repositoryId !== null || !triggers || !isAsked) return
  const row = { pipelineId, projectId: pipeline.projectId, triggers: toBinary(TriggersSchema, triggers) }
  await em.insert(RepositoryTriggerEntity, { ...row, triggers: Buffer.from(row.triggers) })
}
