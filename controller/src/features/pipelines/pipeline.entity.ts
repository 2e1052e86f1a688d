// A pipeline: its name in the project, and what its draft and its latest version are, in short.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'
import { ProjectEntity } from '../projects/index.ts'

export const PipelineEntity = defineEntity({
  name: 'Pipeline',
  tableName: 'pipeline',
  uniques: [{ properties: ['projectId', 'name'] }],
  properties: {
    id: p.string().length(36).primary(),
    projectId: () => p.manyToOne(ProjectEntity).mapToPk().fieldName('project_id').deleteRule('cascade'),
    /** Follows the draft's name, unless that is taken. */
    name: p.string().length(128),
    /** 0: never published. */
    latestVersion: p.integer(),
    /** Hash of the latest version's graph; "": none. */
    latestHash: p.string().length(64),
    /** Hash of the draft's graph, at most some seconds old. */
    draftHash: p.string().length(64),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
})

export type PipelineRow = InferEntity<typeof PipelineEntity>
