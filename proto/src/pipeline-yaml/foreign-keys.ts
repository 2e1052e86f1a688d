// Keys of other systems' files.
import { isMap, isScalar, isSeq, type Node } from 'yaml'
import { type Said, say } from '../texts/say.ts'

/** What other systems call a trigger of ours. */
export const foreignTriggers: Readonly<Record<string, string>> = {
  workflow_dispatch: 'manual',
  cron: 'schedule',
  schedules: 'schedule',
  workflow_run: 'run',
  pipeline: 'run',
  upstream: 'run',
  repository_dispatch: 'webhook',
  hook: 'webhook',
  token: 'api',
  pull_request: 'pullRequest',
  pull_request_target: 'pullRequest',
  'pull-request': 'pullRequest',
  'pull-requests': 'pullRequest',
  merge_request: 'pullRequest',
  merge_requests: 'pullRequest',
  mergeRequest: 'pullRequest',
  pr: 'pullRequest',
  branches: 'push',
  tag: 'push',
  tags: 'push',
  issue_comment: 'comment',
  note: 'comment',
  releases: 'release',
}

/** What other systems call a key of ours. */
export const foreignKeys: Readonly<Record<string, string>> = {
  if: 'when',
  script: 'run',
  commands: 'run',
  command: 'run',
  jobs: 'steps',
  tasks: 'steps',
  depends_on: 'needs',
  dependsOn: 'needs',
  dependencies: 'needs',
  variables: 'env',
  environment_variables: 'env',
  'runs-on': 'runsOn',
  runs_on: 'runsOn',
  tags: 'runsOn',
  labels: 'runsOn',
  allow_failure: 'allowFailure',
  'continue-on-error': 'allowFailure',
  soft_fail: 'allowFailure',
  agents: 'runsOn',
  condition: 'when',
  displayName: 'name',
  parallel: 'matrix',
  triggers: 'on',
  trigger: 'on',
  default: 'defaults',
  'working-directory': 'workdir',
  workingDirectory: 'workdir',
  dir: 'workdir',
  on_lost: 'onLost',
  // Of steps: of a pipeline it is a key.
  concurrency: 'locks',
  resource_group: 'locks',
  strategy: 'matrix',
  type: 'uses',
  params: 'with',
  parameters: 'inputs',
  depends: 'needs',
  // Of triggers.
  branch: 'branches',
  refs: 'branches',
  tag: 'tags',
  path: 'paths',
  changes: 'paths',
  files: 'paths',
  message: 'messages',
  label: 'labels',
  draft: 'drafts',
  actions: 'types',
  events: 'types',
  repository: 'repositories',
  repo: 'repositories',
}

/** Keys that are said in another way here: each with what `key_instead` says of it. */
const instead: Readonly<Record<string, string>> = {
  before_script: 'before',
  after_script: 'after',
  post: 'after',
  stage: 'stage',
  stages: 'stages',
  extends: 'extends',
  except: 'except',
  unless: 'except',
  only: 'only',
  rules: 'only',
  'branches-ignore': 'ignore',
  'tags-ignore': 'ignore',
  'paths-ignore': 'ignore',
  'timeout-minutes': 'minutes',
  timeout_in_minutes: 'minutes',
  timeoutInMinutes: 'minutes',
  plugins: 'plugins',
  permissions: 'permissions',
}

/** Keys that hold commands: one below the other in `run`. */
const commandLists: readonly string[] = ['script', 'commands', 'command']

/** Keys that say when something runs. */
const conditions: readonly string[] = ['when', 'rules', 'only', 'except', 'workflow']

/** What makes a map at the top of a file a step, as other systems write one there. */
const ofSteps: readonly string[] = ['script', 'run', 'commands', 'stage', 'uses', 'steps', 'image']

/** What to say of a key that nothing here has, when what it means is said in another way. */
export function saidInstead(key: string, noun: string, value: Node | null): Said | undefined {
  const name = JSON.stringify(key)
  if (noun === 'pipeline' && isMap(value) && value.items.some((item) => ofSteps.includes(String(item.key)))) {
    return say('key_job', { name })
  }
  if (noun === 'step' && commandLists.includes(key) && isSeq(value)) return say('key_commands', { name })
  // A pipeline has no conditions of its own: what starts it has them.
  if (noun === 'pipeline' && conditions.includes(key)) return say('key_instead', { noun, name, what: 'starts' })
  const what = Object.hasOwn(instead, key) ? instead[key] : undefined
  if (what === undefined) return undefined
  if (what === 'ignore') {
    const list = key.slice(0, -'-ignore'.length)
    return say('key_instead', { noun, name, what, write: `${list}: ["!…"]` })
  }
  const minutes = isScalar(value) && typeof value.value === 'number' ? value.value : 10
  return say('key_instead', { noun, name, what, ...(what === 'minutes' && { write: `timeout: ${minutes}m` }) })
}
