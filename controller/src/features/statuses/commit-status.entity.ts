// What a forge is to be told of a commit: one row a commit and name, as it is now. Who is told of it twice is told the same.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

const id = () => p.string().length(36)

export const CommitStatusEntity = defineEntity({
  name: 'CommitStatus',
  tableName: 'commit_status',
  /** Runs of other projects may name a repository that is not theirs: what they say is apart. */
  uniques: [{ properties: ['repositoryId', 'projectId', 'commit', 'name'] }],
  indexes: [{ properties: ['nextAt'] }, { properties: ['projectId'] }],
  properties: {
    id: id().primary(),
    repositoryId: id(),
    projectId: id(),
    commit: p.string().length(64),
    /** Of the pipeline, or of the file that is none. */
    name: p.string().length(255),
    /** The run that says so; a later one counts more. Empty: none could begin. */
    runId: p.string().length(36),
    state: p.string().length(16),
    description: p.string().length(140),
    /** Markdown. */
    summary: p.text(),
    /** Counts up with every change of what is to be told. */
    revision: p.integer(),
    /** When it is to be told; null: it is told. */
    nextAt: p.datetime(3).nullable(),
    attempts: p.integer(),
    createdAt: p.datetime(3),
  },
})

export type CommitStatusRow = InferEntity<typeof CommitStatusEntity>
