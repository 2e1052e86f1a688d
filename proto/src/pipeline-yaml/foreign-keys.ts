// Keys of other systems' files.

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
}

/** What other systems call a key of ours. */
export const foreignKeys: Readonly<Record<string, string>> = {
  if: 'when',
  script: 'run',
  commands: 'run',
  command: 'run',
  jobs: 'steps',
  stages: 'steps',
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
  'timeout-minutes': 'timeout',
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
}
