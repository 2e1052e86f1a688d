// What the form shows of each way in which something in a repository starts runs.
import {
  pullRequestAction,
  releaseAction,
  usualPullRequestActions,
  usualReleaseActions,
} from '@ansflow/proto/fields/repository-triggers'
import {
  PullRequestTriggerSchema,
  PushTriggerSchema,
  ReleaseTriggerSchema,
} from '@ansflow/proto/gen/ansflow/v1/graph_pb'

export const repositoryTriggerNames = ['push', 'pullRequest', 'release'] as const
export type RepositoryTriggerName = (typeof repositoryTriggerNames)[number]

/** `text`: of `pipelines.repository.lists`; `example` stands in an empty field. */
const branches = { key: 'branches', text: 'branches', example: 'main, release/**, !release/old' }
const tags = { key: 'tags', text: 'tags', example: 'v*' }
const paths = { key: 'paths', text: 'paths', example: 'src/**, !docs/**' }

export const repositoryTriggerForms = {
  push: {
    schema: PushTriggerSchema,
    types: undefined,
    lists: [branches, tags, paths, { key: 'messages', text: 'messages', example: '*deploy*' }],
  },
  pullRequest: {
    schema: PullRequestTriggerSchema,
    types: { one: pullRequestAction, usual: usualPullRequestActions },
    lists: [{ ...branches, text: 'base' }, paths, { key: 'labels', text: 'labels', example: 'ci' }],
  },
  release: {
    schema: ReleaseTriggerSchema,
    types: { one: releaseAction, usual: usualReleaseActions },
    lists: [tags],
  },
} as const

export const repositoriesList = { key: 'repositories', text: 'repositories', example: 'acme/*' }
