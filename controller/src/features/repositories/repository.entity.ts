// A repository of a project, and what is known of what happens in it.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

const id = () => p.string().length(36)

export const RepositoryEntity = defineEntity({
  name: 'Repository',
  tableName: 'repository',
  uniques: [{ properties: ['projectId', 'connectionId', 'fullName'] }],
  indexes: [{ properties: ['connectionId'] }],
  properties: {
    id: id().primary(),
    organizationId: id(),
    projectId: id(),
    connectionId: id(),
    fullName: p.string().length(255),
    /** Without credentials. */
    cloneUrl: p.string().length(2048),
    webUrl: p.string().length(2048),
    defaultBranch: p.string().length(255),
    connectedByName: p.string().length(255),
    connectedAt: p.datetime(3),
    /** What the hook's secret is made of, together with a key that is not in the database. */
    hookMark: p.string().length(64),
    hookMadeAt: p.datetime(3),
    /** As the forge calls the hook that we have set up; empty: somebody does it by hand. */
    hookId: p.string().length(128),
    /** An English sentence: why it could not be set up. */
    hookProblem: p.string().length(512),
    /** ansflow.v1.ForkPolicy. */
    forks: p.integer(),
    /** ansflow.v1.ForkFiles. */
    forkFiles: p.integer().default(1),
    pollSeconds: p.integer(),
    /** When it is to be looked at, without a delivery. */
    lookAt: p.datetime(3).nullable(),
    /** Whether runs are told to the forge. */
    tells: p.boolean(),
    /** ansflow.v1.StatusDetail. */
    statusDetail: p.integer().default(1),
    /** ansflow.v1.CommentPolicy. */
    comments: p.integer().default(1),
    toldAt: p.datetime(3).nullable(),
    tellProblem: p.string().length(512),
    readAt: p.datetime(3).nullable(),
    /** Where the default branch stood when the pipelines in it were last taken over; empty: never. */
    headCommit: p.string().length(64),
    readProblem: p.string().length(512),
    lastDeliveryAt: p.datetime(3).nullable(),
  },
})

/** Where branches and tags stood at the last look, of repositories that are asked again and again. */
export const RepositoryRefsEntity = defineEntity({
  name: 'RepositoryRefs',
  tableName: 'repository_refs',
  indexes: [{ properties: ['projectId'] }],
  properties: {
    repositoryId: id().primary(),
    projectId: id(),
    /** JSON: commits by full names. */
    refs: p.text().columnType('mediumtext'),
  },
})

export const PullRequestEntity = defineEntity({
  name: 'PullRequest',
  tableName: 'pull_request',
  uniques: [{ properties: ['repositoryId', 'number'] }],
  indexes: [
    { properties: ['repositoryId', 'updatedAt'] },
    { properties: ['repositoryId', 'headCommit'] },
    { properties: ['projectId'] },
  ],
  properties: {
    id: id().primary(),
    repositoryId: id(),
    projectId: id(),
    number: p.integer(),
    title: p.string().length(512),
    url: p.string().length(2048),
    author: p.string().length(255),
    /** ansflow.v1.PullRequestState. */
    state: p.integer(),
    draft: p.boolean(),
    /** JSON list. */
    labels: p.text(),
    headBranch: p.string().length(255),
    headCommit: p.string().length(64),
    headRepository: p.string().length(255),
    baseBranch: p.string().length(255),
    fork: p.boolean(),
    updatedAt: p.datetime(3),
    /** The last delivery that waits for somebody who approves the head; null: none does. */
    waitingDeliveryId: id().nullable(),
    /** The commit that somebody approved, and who; empty: none. */
    trustedCommit: p.string().length(64),
    trustedByName: p.string().length(255),
  },
})

/** Which state of which repository a run is for. */
export const RunSourceEntity = defineEntity({
  name: 'RunSource',
  tableName: 'run_source',
  indexes: [
    { properties: ['repositoryId', 'runId'] },
    { properties: ['repositoryId', 'branch', 'runId'] },
    { properties: ['repositoryId', 'commit', 'runId'] },
    { properties: ['repositoryId', 'pullRequest', 'runId'] },
    { properties: ['pipelineId', 'pullRequest', 'branch', 'runId'] },
    { properties: ['projectId'] },
  ],
  properties: {
    runId: id().primary(),
    repositoryId: id(),
    projectId: id(),
    pipelineId: id().default(''),
    branch: p.string().length(255),
    commit: p.string().length(64),
    /** 0: none. */
    pullRequest: p.integer(),
  },
})

/** How each pipeline does on the default branch of a repository: kept up by the runs that end there, so no history is read. */
export const BranchHealthEntity = defineEntity({
  name: 'BranchHealth',
  tableName: 'branch_health',
  indexes: [{ properties: ['projectId', 'brokenRunId'] }, { properties: ['pipelineId'] }],
  properties: {
    repositoryId: id().primary(),
    pipelineId: id().primary(),
    projectId: id(),
    branch: p.string().length(255),
    /** Incremented by every change; who saw another one lost the race. */
    revision: p.integer(),
    /** The last run that has ended, green or not; of a run that is run again it is that one's place. */
    lastPlace: id(),
    lastRunId: id(),
    /** The first that was not green after the last that was; null: it is green. */
    brokenPlace: id().nullable(),
    brokenRunId: id().nullable(),
    /** The last green one; null: none was, as far as anybody knows. */
    greenPlace: id().nullable(),
    greenRunId: id().nullable(),
  },
})

export type BranchHealthRow = InferEntity<typeof BranchHealthEntity>
export type RepositoryRow = InferEntity<typeof RepositoryEntity>
export type PullRequestRow = InferEntity<typeof PullRequestEntity>
export type RunSourceRow = InferEntity<typeof RunSourceEntity>
