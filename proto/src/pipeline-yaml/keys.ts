// The keys of the pipeline file with what each means: what the parser accepts and what the JSON Schema tells editors.
import { limits, patterns } from '../limits.ts'

export type JsonSchema = { [key: string]: unknown }

/** A key's meaning and the schema of its value. */
export interface KeyDefinition {
  description: string
  schema: JsonSchema
}

export type KeyTable = Readonly<Record<string, KeyDefinition>>

const text: JsonSchema = { type: 'string' }
const flag: JsonSchema = { type: 'boolean' }
export const durationSchema: JsonSchema = {
  anyOf: [
    { type: 'string', pattern: '^\\s*(\\d+(\\.\\d+)?(ms|s|m|h|d))+\\s*$|^\\s*\\d+(\\.\\d+)?\\s*$' },
    { type: 'number', minimum: 0 },
  ],
}
const scalar: JsonSchema = { type: ['string', 'number', 'boolean', 'null'] }
const envSchema: JsonSchema = {
  type: 'object',
  propertyNames: { pattern: patterns.identifier.source },
  additionalProperties: scalar,
  maxProperties: limits.env,
}
const words: JsonSchema = { anyOf: [scalar, { type: 'array', items: scalar }] }

export const pipelineKeys: KeyTable = {
  name: {
    description: 'The name of the pipeline, unique in its project.',
    schema: { type: ['string', 'number'], minLength: 1, maxLength: limits.nameLength },
  },
  description: { description: 'What the pipeline is for.', schema: scalar },
  on: {
    description: 'When runs start. This version starts runs by hand and by API; push and schedule are kept for later.',
    schema: { anyOf: [{ type: 'object' }, words] },
  },
  inputs: { description: 'What a run asks for at its start, by name.', schema: { type: ['object', 'null'] } },
  env: { description: 'Environment variables of every step; values may hold ${{ }}.', schema: envSchema },
  timeout: { description: 'The longest a whole run may take, such as 1h or 90m.', schema: durationSchema },
  steps: { description: 'The steps by id. Edges come from their needs.', schema: { type: 'object' } },
}

export const inputKeys: KeyTable = {
  type: {
    description: 'string (the default), number, boolean or choice.',
    schema: { enum: ['string', 'number', 'boolean', 'choice'] },
  },
  description: { description: 'Shown beside the field when a run is started.', schema: scalar },
  default: { description: 'The value when none is given.', schema: scalar },
  options: { description: 'The values of a choice.', schema: { type: 'array', items: scalar } },
  required: { description: 'A run cannot start without it.', schema: flag },
}

export const stepKeys: KeyTable = {
  name: { description: 'What people see; the id when it is absent.', schema: scalar },
  description: { description: 'What the step is for.', schema: scalar },
  uses: { description: 'The step type.', schema: text },
  run: { description: 'A script: short for `uses: custom` with `with.script`.', schema: text },
  shell: { description: 'What runs the script: sh (the default), bash or pwsh. Short for `with.shell`.', schema: text },
  with: { description: 'The parameters of the step type.', schema: { type: ['object', 'null'] } },
  needs: {
    description: 'Steps that must end first: an id, a list of ids, or { step, on, if }.',
    schema: {
      anyOf: [
        scalar,
        { type: 'array', items: { anyOf: [scalar, { $ref: '#/$defs/need' }] } },
        { $ref: '#/$defs/need' },
      ],
    },
  },
  when: { description: 'CEL: the step runs if it is true, e.g. inputs.level == "a" && success().', schema: scalar },
  retry: {
    description: 'Try again after a failure: a number of retries, or { max, delay, backoff, on }.',
    schema: { anyOf: [{ type: 'integer', minimum: 0, maximum: limits.retries }, { $ref: '#/$defs/retry' }] },
  },
  timeout: { description: 'The longest one attempt may take, such as 10m.', schema: durationSchema },
  allowFailure: { description: 'A failure of this step counts as success for the steps that need it.', schema: flag },
  runsOn: { description: 'Labels an agent must have.', schema: words },
  workspace: {
    description: 'Steps with the same workspace share a directory: shared (the default), isolated, or a name.',
    schema: scalar,
  },
  env: { description: 'Environment variables of this step; values may hold ${{ }}.', schema: envSchema },
  secrets: { description: 'Project secrets the step gets as environment variables.', schema: words },
  outputs: { description: 'Names of the values this step sets for others.', schema: words },
  onLost: {
    description: 'What happens when the agent is lost: fail (the default) or retry.',
    schema: { enum: ['fail', 'retry'] },
  },
  disabled: { description: 'A disabled step is skipped.', schema: flag },
}

export const needKeys: KeyTable = {
  step: { description: 'The id of the step that must end first.', schema: scalar },
  on: {
    description: 'How it must end: success (the default), failure or always.',
    schema: { enum: ['success', 'failure', 'always'] },
  },
  if: { description: 'CEL: false counts as not met.', schema: scalar },
}

export const retryKeys: KeyTable = {
  max: {
    description: 'Attempts after the first.',
    schema: { type: 'integer', minimum: 0, maximum: limits.retries },
  },
  delay: { description: 'The pause before the first retry, such as 10s.', schema: durationSchema },
  backoff: { description: 'Factor of the delay from one retry to the next.', schema: { type: 'number', minimum: 1 } },
  on: {
    description: 'What is retried; failed and timeout when absent.',
    schema: {
      anyOf: [
        { enum: ['failed', 'timeout', 'lost'] },
        { type: 'array', items: { enum: ['failed', 'timeout', 'lost'] } },
      ],
    },
  },
}

/** Keys of the design this version cannot honour: leaving one out would change what runs, so it is an error. */
export const unavailablePipelineKeys: Readonly<Record<string, string>> = { concurrency: 'Concurrency groups' }
export const unavailableStepKeys: Readonly<Record<string, string>> = {
  image: 'Running a step in a container',
  services: 'Service containers',
  matrix: 'Matrix steps',
  artifacts: 'Artifacts',
  reports: 'Reports',
  cache: 'Caches',
  environment: 'Environments',
  concurrency: 'Concurrency groups',
}

/** Triggers that are kept in the file and do nothing yet. */
export const laterTriggers: readonly string[] = ['push', 'pull_request', 'schedule']

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
  'working-directory': 'with.workingDirectory',
  workingDirectory: 'with.workingDirectory',
  on_lost: 'onLost',
  type: 'uses',
  params: 'with',
  parameters: 'inputs',
  depends: 'needs',
}
