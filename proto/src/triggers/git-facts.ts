// What a run is for, as expressions and scripts read it.

import { type GitFacts, GitFactsSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { create, type JsonValue } from '@bufbuild/protobuf'

/** `git` in expressions: each name with its value where nothing is known. */
export const blankGit = {
  repository: '',
  repositoryName: '',
  ref: '',
  branch: '',
  tag: '',
  commit: '',
  author: '',
  message: '',
  event: '',
  action: '',
  before: '',
  baseBranch: '',
  baseCommit: '',
  pullRequest: '',
  title: '',
  labels: [] as string[],
  headRepository: '',
  fork: false as boolean,
  sender: '',
  changedCount: 0,
} satisfies Record<string, JsonValue>

export type GitValues = typeof blankGit

/** The number of a pull request is a text, "" where there is none. */
export function gitValues(git: GitFacts): GitValues {
  const {
    $typeName: _,
    $unknown: __,
    changed: ___,
    fileHashes: ____,
    repositoryId: _____,
    pullRequest,
    labels,
    ...facts
  } = git
  return { ...facts, labels: [...labels], pullRequest: pullRequest ? String(pullRequest) : '' }
}

/** The other way round; undefined: they say nothing. What is known of its files is told to the run that it was asked for alone. */
export function gitFactsOf(values: Readonly<Record<string, JsonValue>>): GitFacts | undefined {
  const found = { ...blankGit }
  let says = false
  for (const [name, blank] of Object.entries(blankGit)) {
    const value = values[name]
    if (typeof value !== typeof blank || Array.isArray(value) !== Array.isArray(blank)) continue
    says ||= Array.isArray(value) ? value.length > 0 : value !== blank
    Object.assign(found, { [name]: value })
  }
  return says ? create(GitFactsSchema, { ...found, pullRequest: Number(found.pullRequest) || 0 }) : undefined
}

/**
 * What scripts get of them, unless the pipeline says otherwise: names that people know from other systems, each with what it holds.
 * Those that would be empty are not there.
 */
export function gitVariables(git: Readonly<Partial<GitValues>>): Record<string, string> {
  const { event = '', ref = '', branch = '', baseBranch = '', headRepository = '', pullRequest = '' } = git
  const found: Record<string, string> = {
    CI_COMMIT_SHA: git.commit ?? '',
    CI_COMMIT_REF: ref,
    CI_COMMIT_REF_NAME: git.tag || branch,
    CI_COMMIT_BRANCH: branch,
    CI_COMMIT_TAG: git.tag ?? '',
    CI_COMMIT_MESSAGE: git.message ?? '',
    CI_COMMIT_AUTHOR: git.author ?? '',
    CI_COMMIT_BEFORE_SHA: git.before ?? '',
    CI_PIPELINE_EVENT: event,
    CI_REPO: git.repositoryName ?? '',
    CI_REPO_URL: git.repository ?? '',
    ANSFLOW_EVENT: event,
    ANSFLOW_ACTION: git.action ?? '',
    ANSFLOW_BASE_BRANCH: baseBranch,
    ANSFLOW_BASE_COMMIT: git.baseCommit ?? '',
    ANSFLOW_SENDER: git.sender ?? '',
    ...(pullRequest !== '' && {
      CI_COMMIT_PULL_REQUEST: pullRequest,
      CI_COMMIT_SOURCE_BRANCH: branch,
      CI_COMMIT_TARGET_BRANCH: baseBranch,
      CI_MERGE_REQUEST_IID: pullRequest,
      CI_MERGE_REQUEST_TITLE: git.title ?? '',
      CI_MERGE_REQUEST_LABELS: (git.labels ?? []).join(','),
      CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: branch,
      CI_MERGE_REQUEST_TARGET_BRANCH_NAME: baseBranch,
      CI_MERGE_REQUEST_DIFF_BASE_SHA: git.baseCommit ?? '',
      CI_MERGE_REQUEST_SOURCE_PROJECT_PATH: headRepository,
      ANSFLOW_FORK: git.fork ? 'true' : '',
    }),
  }
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== ''))
}
