// A draft in the database: the shared document's full state up to a sequence number, and the updates after it.
import { defineEntity, p } from '@mikro-orm/core'
import { PipelineEntity } from './pipeline.entity.ts'

export const DraftEntity = defineEntity({
  name: 'Draft',
  tableName: 'collab_snapshot',
  properties: {
    pipelineId: () => p.manyToOne(PipelineEntity).mapToPk().primary().fieldName('pipeline_id').deleteRule('cascade'),
    /** Number of the last update there is. Whoever appends moves it from the value they have seen, so none is skipped. */
    headSeq: p.integer(),
    /** Number of the last update that `data` holds. */
    seq: p.integer(),
    /** Yjs state, update encoding V2. */
    data: p.blob().columnType('longblob').lazy(),
  },
})

export const DraftUpdateEntity = defineEntity({
  name: 'DraftUpdate',
  tableName: 'collab_update',
  properties: {
    pipelineId: () => p.manyToOne(PipelineEntity).mapToPk().primary().fieldName('pipeline_id').deleteRule('cascade'),
    seq: p.integer().primary(),
    data: p.blob().columnType('longblob').lazy(),
  },
})

export interface DraftTables {
  collab_snapshot: { pipeline_id: string; head_seq: number; seq: number; data: Uint8Array }
  collab_update: { pipeline_id: string; seq: number; data: Uint8Array }
}
