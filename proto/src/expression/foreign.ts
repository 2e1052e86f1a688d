// What people write in expressions who come from elsewhere: values, operators and conditions of other systems, with what says it here.
import { type Said, say } from '../texts/say.ts'

/** By their whole names. What is not here, of a root that is, has nothing like it. */
export const foreignValues: Readonly<Record<string, string>> = {
  'github.ref': 'git.ref',
  'github.ref_name': 'git.branch',
  'github.head_ref': 'git.branch',
  'github.base_ref': 'git.baseBranch',
  'github.sha': 'git.commit',
  'github.repository': 'git.repositoryName',
  'github.event.action': 'git.action',
  'github.event.before': 'git.before',
  'github.event.head_commit.message': 'git.message',
  'github.event.number': 'git.pullRequest',
  'github.event.pull_request.number': 'git.pullRequest',
  'github.event.pull_request.title': 'git.title',
  'github.event.pull_request.labels': 'git.labels',
  'github.event.pull_request.base.ref': 'git.baseBranch',
  'github.event.pull_request.base.sha': 'git.baseCommit',
  'github.event.pull_request.head.ref': 'git.branch',
  'github.event.pull_request.head.sha': 'git.commit',
  'github.event.pull_request.head.repo.fork': 'git.fork',
  'github.event.pull_request.head.repo.full_name': 'git.headRepository',
  'github.event.sender.login': 'git.sender',
  'github.event_name': 'run.trigger',
  'github.actor': 'run.startedBy',
  'github.triggering_actor': 'run.startedBy',
  'github.run_id': 'run.id',
  'github.run_number': 'run.number',
  'github.workflow': 'run.pipeline',
  'job.status': 'steps.<id>.status',
  'build.branch': 'git.branch',
  'build.commit': 'git.commit',
  'build.tag': 'git.tag',
  'build.message': 'git.message',
  'build.number': 'run.number',
  'build.id': 'run.id',
  'build.source': 'run.trigger',
  branch: 'git.branch',
  tag: 'git.tag',
  commit: 'git.commit',
  ref: 'git.ref',
  event: 'run.trigger',
  trigger: 'run.trigger',
  GITHUB_REF: 'git.ref',
  GITHUB_REF_NAME: 'git.branch',
  GITHUB_HEAD_REF: 'git.branch',
  GITHUB_SHA: 'git.commit',
  GITHUB_BASE_REF: 'git.baseBranch',
  GITHUB_REPOSITORY: 'git.repositoryName',
  GITHUB_EVENT_NAME: 'run.trigger',
  GITHUB_ACTOR: 'run.startedBy',
  GITHUB_RUN_ID: 'run.id',
  GITHUB_RUN_NUMBER: 'run.number',
  CI_COMMIT_REF: 'git.ref',
  CI_COMMIT_REF_NAME: 'git.branch',
  CI_COMMIT_BRANCH: 'git.branch',
  CI_COMMIT_TAG: 'git.tag',
  CI_COMMIT_SHA: 'git.commit',
  CI_COMMIT_SHORT_SHA: 'git.commit',
  CI_COMMIT_MESSAGE: 'git.message',
  CI_COMMIT_TITLE: 'git.message',
  CI_COMMIT_AUTHOR: 'git.author',
  CI_COMMIT_BEFORE_SHA: 'git.before',
  CI_COMMIT_PULL_REQUEST: 'git.pullRequest',
  CI_COMMIT_SOURCE_BRANCH: 'git.branch',
  CI_COMMIT_TARGET_BRANCH: 'git.baseBranch',
  CI_MERGE_REQUEST_IID: 'git.pullRequest',
  CI_MERGE_REQUEST_TITLE: 'git.title',
  CI_MERGE_REQUEST_LABELS: 'git.labels',
  CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: 'git.branch',
  CI_MERGE_REQUEST_TARGET_BRANCH_NAME: 'git.baseBranch',
  CI_MERGE_REQUEST_DIFF_BASE_SHA: 'git.baseCommit',
  CI_MERGE_REQUEST_SOURCE_PROJECT_PATH: 'git.headRepository',
  CI_PIPELINE_SOURCE: 'run.trigger',
  CI_PIPELINE_EVENT: 'run.trigger',
  CI_PIPELINE_ID: 'run.id',
  CI_PIPELINE_IID: 'run.number',
  CI_PIPELINE_NUMBER: 'run.number',
  CI_PIPELINE_NAME: 'run.pipeline',
  CI_PROJECT_NAME: 'run.project',
  CI_REPO: 'git.repositoryName',
  CI_PROJECT_PATH: 'git.repositoryName',
  CI_REPOSITORY_URL: 'git.repository',
  CI_REPO_URL: 'git.repository',
  GITLAB_USER_NAME: 'run.startedBy',
  BUILDKITE_BRANCH: 'git.branch',
  BUILDKITE_COMMIT: 'git.commit',
  BUILDKITE_TAG: 'git.tag',
  BUILDKITE_MESSAGE: 'git.message',
  BUILDKITE_BUILD_NUMBER: 'run.number',
  BUILDKITE_SOURCE: 'run.trigger',
  BUILDKITE_PULL_REQUEST: 'git.pullRequest',
  BUILDKITE_PULL_REQUEST_BASE_BRANCH: 'git.baseBranch',
  CHANGE_ID: 'git.pullRequest',
  CHANGE_TARGET: 'git.baseBranch',
  CHANGE_TITLE: 'git.title',
  BRANCH_NAME: 'git.branch',
  GIT_BRANCH: 'git.branch',
  GIT_COMMIT: 'git.commit',
  GIT_URL: 'git.repository',
  TAG_NAME: 'git.tag',
  BUILD_NUMBER: 'run.number',
}

/** Roots whose fields are ours under another root. */
const roots: Readonly<Record<string, string>> = {
  params: 'inputs',
  parameters: 'inputs',
  variables: 'env',
  strategy: 'matrix',
  needs: 'steps',
  jobs: 'steps',
  tasks: 'steps',
}

/** Words that are a condition by themselves elsewhere; what asks people, or never runs, is no condition here. */
export const foreignConditions: Readonly<Record<string, string>> = {
  always: 'always()',
  on_success: 'success()',
  success: 'success()',
  succeeded: 'success()',
  on_failure: 'failure()',
  failure: 'failure()',
  failed: 'failure()',
  canceled: 'canceled()',
  cancelled: 'canceled()',
}

/** Calls of other systems. */
const calls: Readonly<Record<string, string>> = {
  cancelled: 'canceled()',
  succeeded: 'success()',
  failed: 'failure()',
  toLower: 'lowerAscii()',
  toUpper: 'upperAscii()',
  lower: 'lowerAscii()',
  upper: 'upperAscii()',
  len: 'size()',
  length: 'size()',
  eq: '==',
  ne: '!=',
  and: '&&',
  or: '||',
  not: '!',
  changes: 'changed()',
  changeset: 'changed()',
  checksum: 'hashFiles()',
  fileExists: 'hashFiles() != ""',
  exists: 'hashFiles() != ""',
  toJSON: 'string()',
  str: 'string()',
}

const own = (table: Readonly<Record<string, string>>, key: string) =>
  Object.hasOwn(table, key) ? table[key] : undefined

/** What to say of a name that no expression has, when another system has it. */
export function foreignName(root: string, path: readonly string[]): Said | undefined {
  const name = [root, ...path].join('.')
  const here = own(foreignValues, name)
  if (here) return say('expression_foreign', { name, here })
  if (root === 'github' && path[0] === 'event') return say('expression_event', { name })
  const condition = path.length === 0 ? own(foreignConditions, root) : undefined
  if (condition) return say('expression_foreign', { name, here: condition })
  if (path.length === 0 && ['manual', 'never', 'delayed'].includes(root)) return say('condition_word', { name: root })
  const other = own(roots, root)
  return other ? say('expression_foreign', { name, here: [other, ...path].join('.') }) : undefined
}

export function foreignCall(name: string): Said | undefined {
  const here = own(calls, name)
  return here ? say('expression_foreign', { name: `${name}()`, here }) : undefined
}

const operators: readonly { written: RegExp; write: string }[] = [
  { written: /===/, write: '==' },
  { written: /!==/, write: '!=' },
  { written: /<>/, write: '!=' },
  { written: /(?<![=!<>])=(?![=~])/, write: '==' },
  { written: /(?<!&)&(?!&)/, write: '&&' },
  { written: /(?<!\|)\|(?!\|)/, write: '||' },
  { written: /(?<=\s)and(?=\s)/i, write: '&&' },
  { written: /(?<=\s)or(?=\s)/i, write: '||' },
  { written: /(?<![\w.])not(?=\s)/i, write: '!' },
]

const strings = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g

/** What to say of a text that cannot be read as an expression, where the way that other languages write it is the cause. */
export function foreignSyntax(source: string): Said | undefined {
  const code = source.replace(strings, (text) => ' '.repeat(text.length))
  const [dollar, braced, plain] = /\$(?:\{(\w+)\}|(\w+))/.exec(code) ?? []
  const variable = braced ?? plain
  if (dollar && variable) {
    return say('expression_foreign', { name: dollar, here: own(foreignValues, variable) ?? `env.${variable}` })
  }
  if (/[=!]~/.test(code)) return say('expression_matches')
  for (const { written, write } of operators) {
    const [found] = written.exec(code) ?? []
    if (found) return say('expression_foreign', { name: found, here: write })
  }
  return undefined
}
