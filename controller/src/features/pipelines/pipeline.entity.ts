// A pipeline: its name in the project, and what its draft and its latest version are, in short.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'
import { ProjectEntity } from '../projects/index.ts'

export const PipelineEntity = defineEntity({
  name: 'Pipeline',
  tableName: 'pipeline',
  uniques: [{ properties: ['projectId', 'name'] }],
  indexes: [{ properties: ['repositoryId', 'filePath'] }],
  properties: {
    id: p.string().length(36).primary(),
    projectId: () => p.manyToOne(ProjectEntity).mapToPk().fieldName('project_id').deleteRule('cascade'),
    /** Follows the draft's name, unless that is taken. */
    name: p.string().length(128),
    /** 0: never published. */
    latestVersion: p.integer(),
    /** Hash of the latest version's file, whatever that includes; "": none. */
    latestHash: p.string().length(64),
    /** Hash of the draft's file, at most some seconds old. */
    draftHash: p.string().length(64),
    /** The repository that it is a file of; null: it is kept in AnsFlow. */
    repositoryId: p.string().length(36).nullable(),
    /** Of the file there: ".ansflow/release.yaml"; empty: it is kept in AnsFlow. */
    filePath: p.string().length(255).default(''),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
})

export type PipelineRow = InferEntity<typeof PipelineEntity>
