// Who else keeps something of pipelines: written in the transactions that publish and delete them.
import type { Triggers } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { EntityManager } from '../../platform/db.ts'
import type { PipelineRow } from './pipeline.entity.ts'

export interface PipelineParticipant {
  /** For people who read errors. */
  name: string
  /** A version has become the latest one. The transaction may run again, so this must only touch `em`. */
  published(em: EntityManager, publication: NewVersion): Promise<void>
  /** The pipeline is gone, with its draft and versions. */
  deleted(em: EntityManager, pipelineId: string): Promise<void>
}

export interface NewVersion {
  pipeline: PipelineRow
  number: number
  triggers: Triggers | undefined
  by: { userId: string; name: string }
  now: Date
}
