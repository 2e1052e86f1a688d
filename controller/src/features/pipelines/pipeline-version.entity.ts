// A published version: never changed, kept as the graph it means and the file it was.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'
import { PipelineEntity } from './pipeline.entity.ts'

export const PipelineVersionEntity = defineEntity({
  name: 'PipelineVersion',
  tableName: 'pipeline_version',
  uniques: [{ properties: ['pipelineId', 'number'] }],
  properties: {
    id: p.string().length(36).primary(),
    pipelineId: () => p.manyToOne(PipelineEntity).mapToPk().fieldName('pipeline_id').deleteRule('cascade'),
    number: p.integer(),
    /** PipelineGraph in protobuf's JSON. */
    graph: p.text().columnType('longtext').lazy(),
    yaml: p.text().columnType('longtext').lazy(),
    hash: p.string().length(64),
    stepCount: p.integer(),
    note: p.string().length(2000),
    createdBy: p.string().length(36),
    createdByName: p.string().length(128),
    createdAt: p.datetime(3),
  },
})

export type PipelineVersionRow = InferEntity<typeof PipelineVersionEntity>
