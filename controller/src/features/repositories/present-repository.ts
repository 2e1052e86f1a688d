// Repositories as answers say them.
import {
  type Commit,
  CommitSchema,
  type PullRequest,
  PullRequestSchema,
  type Repository,
  RepositorySchema,
} from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import type { Run } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { GitCommit } from '../../platform/git/git.ts'
import { hookPath } from './hook.ts'
import type { PullRequestRow, RepositoryRow } from './repository.entity.ts'

export interface RepositoryCounts {
  pipelines: number
  delivered: number
  refused: number
  lastRefusedAt?: Date
}

export function toRepository(row: RepositoryRow, counts: RepositoryCounts): Repository {
  const { id, projectId, connectionId, fullName, cloneUrl, webUrl, defaultBranch, connectedByName } = row
  const { pipelines, delivered, refused, lastRefusedAt } = counts
  const { headCommit, readProblem, forks, forkFiles, pollSeconds, tells, tellProblem, statusDetail, comments } = row
  return create(RepositorySchema, {
    id,
    projectId,
    connectionId,
    fullName,
    cloneUrl,
    webUrl,
    defaultBranch,
    connectedByName,
    connectedAt: timestampFromDate(row.connectedAt),
    hook: {
      path: hookPath(row),
      managed: row.hookId !== '',
      secretMadeAt: timestampFromDate(row.hookMadeAt),
      ...(row.lastDeliveryAt && { lastDeliveryAt: timestampFromDate(row.lastDeliveryAt) }),
      delivered,
      refused,
      ...(lastRefusedAt && { lastRefusedAt: timestampFromDate(lastRefusedAt) }),
      problem: row.hookProblem,
    },
    ...(row.readAt && { readAt: timestampFromDate(row.readAt) }),
    headCommit,
    readProblem,
    pipelineCount: pipelines,
    forks,
    forkFiles,
    pollSeconds,
    tells,
    statusDetail,
    comments,
    ...(row.toldAt && { toldAt: timestampFromDate(row.toldAt) }),
    tellProblem,
  })
}

export function toCommit({ id, message, author, committedAt, parents }: GitCommit): Commit {
  const [title = '', ...rest] = message.split('\n')
  return create(CommitSchema, {
    id,
    title: title.trim(),
    body: rest.join('\n').trim(),
    author,
    committedAt: timestampFromDate(committedAt),
    parents,
  })
}

export function toPullRequest(row: PullRequestRow, runs: Run[]): PullRequest {
  const { number, title, url, author, state, draft, headBranch, headCommit, baseBranch, fork, headRepository } = row
  return create(PullRequestSchema, {
    number,
    title,
    url,
    author,
    state,
    draft,
    labels: JSON.parse(row.labels) as string[],
    headBranch,
    headCommit,
    baseBranch,
    fork,
    headRepository,
    updatedAt: timestampFromDate(row.updatedAt),
    runs,
    waitsForTrust: row.waitingDeliveryId !== null,
    trustedByName: row.trustedCommit === headCommit ? row.trustedByName : '',
  })
}
