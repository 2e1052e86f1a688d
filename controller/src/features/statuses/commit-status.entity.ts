// What a forge is to be told: one row a commit and name, one a pull request that is commented on, and one a deployment. Each is told as it is then; who is
// told of it twice is told the same.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

const id = () => p.string().length(36)

export const CommitStatusEntity = defineEntity({
  name: 'CommitStatus',
  tableName: 'commit_status',
  /** Runs of other projects may name a repository that is not theirs: what they say is apart. */
  uniques: [{ properties: ['repositoryId', 'projectId', 'commit', 'name'] }],
  indexes: [{ properties: ['nextAt', 'createdAt'] }, { properties: ['projectId'] }, { properties: ['deploymentId'] }],
  properties: {
    id: id().primary(),
    repositoryId: id(),
    projectId: id(),
    /** Empty: it is the comment on a pull request, which is about the head of that. */
    commit: p.string().length(64),
    /** Of the pipeline, or of the file that is none; of a comment "#12". */
    name: p.string().length(255),
    /** Of a comment; else 0. */
    pullRequest: p.integer().default(0),
    /** AnsFlow's, of a deployment; else empty. */
    deploymentId: p.string().length(36).default(''),
    /** Of a comment, or of the record of a deployment: its id at the forge; empty: it has none, or it is not known. */
    commentId: p.string().length(128).default(''),
    /** The run that says so; a later one counts more. Empty: none could begin. */
    runId: p.string().length(36),
    /** Of the run, where the status is of one of its steps alone. */
    stepId: p.string().length(72).default(''),
    state: p.string().length(16),
    description: p.string().length(140),
    /** JSON of a RunReport, of a deployment of a DeploymentFacts; null: there is none. */
    report: p.text().columnType('mediumtext').nullable(),
    /** Counts up with every change of what is to be told. */
    revision: p.integer(),
    /** When it is to be told; null: it is told. */
    nextAt: p.datetime(3).nullable(),
    /** Whoever tells it has it until then, whatever comes meanwhile; null: nobody does. */
    heldUntil: p.datetime(3).nullable(),
    attempts: p.integer(),
    createdAt: p.datetime(3),
  },
})

export type CommitStatusRow = InferEntity<typeof CommitStatusEntity>
