// A pipeline: its name in the project, and what its draft and its latest version are, in short.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'
import { ProjectEntity } from '../projects/index.ts'

export const PipelineEntity = defineEntity({
  name: 'Pipeline',
  tableName: 'pipeline',
  uniques: [{ properties: ['projectId', 'name'] }],
  indexes: [{ properties: ['repositoryId', 'filePath'] }, { properties: ['otherRepositoryId', 'otherFilePath'] }],
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
    /** Of the newest version that the draft is known to hold, beside what was changed since; 0: of none. */
    draftBase: p.integer().default(0),
    /** Of the draft that was proposed last, once it held what was, or that a file was made into; empty: none was. */
    proposedHash: p.string().length(64).default(''),
    /** Of one that is kept in AnsFlow: the repository and file that it was and that are left alone, or that it moves to. */
    otherRepositoryId: p.string().length(36).nullable(),
    otherFilePath: p.string().length(255).default(''),
    /** It moves there, as soon as the default branch has the file. */
    otherFileAwaited: p.boolean().default(false),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
})

export type PipelineRow = InferEntity<typeof PipelineEntity>
