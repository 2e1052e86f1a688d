// The JSON Schema of the pipeline file, for editors: made from the tables the parser reads by and from the step types.
import { commentKeys } from './fields/comment-triggers.ts'
import { concurrencyKeys } from './fields/concurrency.ts'
import { defaultKeys } from './fields/defaults.ts'
import { environmentKeys } from './fields/environment.ts'
import { includeKeys } from './fields/includes.ts'
import { durationSchema } from './fields/kinds.ts'
import { lockKeys } from './fields/locks.ts'
import { needKeys } from './fields/needs.ts'
import { reportKeys } from './fields/reports.ts'
import { pullRequestKeys, pushKeys, releaseKeys } from './fields/repository-triggers.ts'
import { retryKeys } from './fields/retry.ts'
import { runTriggerKeys } from './fields/run-triggers.ts'
import { scheduleKeys } from './fields/schedules.ts'
import { templateKeys } from './fields/templates.ts'
import { triggerFields } from './fields/trigger-fields.ts'
import { webhookKeys } from './fields/webhook.ts'
import { limits, patterns } from './limits.ts'
import type { JsonSchema, KeyTable } from './pipeline-yaml/key-table.ts'
import { ignoredKeys, pipelineKeys } from './pipeline-yaml/keys.ts'
import { inputKeys, stepKeys } from './pipeline-yaml/step-keys.ts'
import { type Param, type ParamShape, type StepType, stepTypes } from './steps/index.ts'
import { momentPattern } from './steps/moment.ts'

/** Draft 2020-12. What it cannot say (cycles, references, expressions) is left to `validateGraph`. */
export function pipelineJsonSchema(): JsonSchema {
  const types = [...stepTypes.values()]
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'AnsFlow pipeline',
    ...keysSchema(pipelineKeys, {
      on: triggersSchema(),
      inputs: mapOf('#/$defs/input', patterns.identifier, { maxProperties: limits.inputs, nullable: true }),
      steps: mapOf('#/$defs/step', patterns.stepId, { minProperties: 1, maxProperties: limits.steps }),
      templates: mapOf('#/$defs/template', patterns.stepId, { maxProperties: limits.templates, nullable: true }),
    }),
    patternProperties: { [ignoredKeys.source]: true },
    required: ['name', 'steps'],
    $defs: {
      input: { ...keysSchema(inputKeys), type: ['object', 'null'] },
      need: { ...keysSchema(needKeys), required: ['step'] },
      retry: { ...keysSchema(retryKeys), required: ['max'] },
      concurrency: { ...keysSchema(concurrencyKeys), minProperties: 1 },
      lock: { ...keysSchema(lockKeys), required: ['name'] },
      environment: { ...keysSchema(environmentKeys), required: ['name'] },
      reports: keysSchema(reportKeys),
      schedule: { ...keysSchema(scheduleKeys), required: ['cron'] },
      runTrigger: { ...keysSchema(runTriggerKeys), required: ['pipeline'] },
      webhook: keysSchema(webhookKeys),
      push: keysSchema(pushKeys),
      pullRequest: keysSchema(pullRequestKeys),
      comment: { ...keysSchema(commentKeys), required: ['command'] },
      release: keysSchema(releaseKeys),
      defaults: keysSchema(defaultKeys),
      include: {
        ...keysSchema(includeKeys),
        oneOf: [{ required: ['file'] }, { required: ['pipeline', 'version'] }],
      },
      template: {
        ...keysSchema(templateKeys, {
          params: mapOf('#/$defs/input', patterns.identifier, { maxProperties: limits.inputs, nullable: true }),
          steps: mapOf('#/$defs/step', patterns.stepId, { minProperties: 1, maxProperties: limits.steps }),
        }),
        required: ['steps'],
      },
      step: stepSchema(types),
      ...Object.fromEntries(types.map((type) => [`with-${type.id}`, paramsSchema(type)])),
    },
  }
}

/** Keys that no table knows are refused, as by the parser. */
function keysSchema(table: KeyTable, instead: Record<string, JsonSchema> = {}): JsonSchema {
  const properties = Object.entries(table).map(([key, { description, schema }]) => [
    key,
    { description, ...(instead[key] ?? schema) },
  ])
  return { type: 'object', properties: Object.fromEntries(properties), additionalProperties: false }
}

function mapOf(
  ref: string,
  names: RegExp,
  { nullable = false, ...counts }: { nullable?: boolean; minProperties?: number; maxProperties?: number },
): JsonSchema {
  return {
    type: nullable ? ['object', 'null'] : 'object',
    propertyNames: { pattern: names.source },
    additionalProperties: { $ref: ref },
    ...counts,
  }
}

function triggersSchema(): JsonSchema {
  const names = ['manual', 'api', 'webhook', 'push', 'pullRequest', 'release']
  const properties = Object.fromEntries([
    ...triggerFields.map(({ key, description, kind }) => [key, { description, ...kind.schema }]),
  ])
  return {
    anyOf: [
      {
        type: 'object',
        properties: { manual: { type: ['boolean', 'null'] }, ...properties },
        additionalProperties: false,
      },
      { enum: names },
      { type: 'array', items: { enum: names } },
    ],
  }
}

/** A step either runs a script (`run`), or uses a type whose parameters stand in `with`. */
function stepSchema(types: readonly StepType[]): JsonSchema {
  const scripts = types.filter(isScript).map((type) => type.id)
  const base = keysSchema(stepKeys, { uses: { enum: types.map((type) => type.id) } })
  return {
    ...base,
    anyOf: [{ required: ['run'] }, { required: ['uses'] }],
    allOf: [
      ...types.map((type) => ({
        if: { properties: { uses: { const: type.id } }, required: ['uses'] },
        // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema.
        then: {
          properties: { with: { $ref: `#/$defs/with-${type.id}` } },
          ...(type.params.required.length > 0 && !isScript(type) ? { required: ['with'] } : {}),
        },
      })),
      {
        if: { required: ['run'] },
        // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema.
        then: { properties: { uses: { enum: scripts } } },
      },
      {
        if: { required: ['run'], not: { required: ['uses'] } },
        // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema.
        then: { properties: { with: { $ref: '#/$defs/with-custom' } } },
      },
    ],
  }
}

function isScript(type: StepType): boolean {
  return type.params.properties.script !== undefined
}

/** The script of script types may stand in `run`, so it is not required here. */
function paramsSchema(type: StepType): JsonSchema {
  const properties = Object.entries(type.params.properties).map(([name, param]) => [name, paramSchema(param)])
  const required = type.params.required.filter((name) => !(isScript(type) && name === 'script'))
  return {
    type: 'object',
    title: type.title.en,
    description: type.description.en,
    properties: Object.fromEntries(properties),
    additionalProperties: false,
    ...(required.length > 0 ? { required } : {}),
  }
}

/** Any parameter may be an expression instead; a text may be written without quotes. */
function paramSchema(param: Param): JsonSchema {
  const { title, help } = param['x-text']
  return { title: title.en, description: help.en, ...orExpression(param) }
}

function orExpression(shape: ParamShape): JsonSchema {
  return { anyOf: [literalSchema(shape), { type: 'string', pattern: '\\$\\{\\{' }] }
}

function literalSchema(shape: ParamShape & Pick<Param, 'x-widget' | 'examples'>): JsonSchema {
  const { items, properties, additionalProperties, examples, ...rules } = shape
  const plain = Object.fromEntries(Object.entries(rules).filter(([key]) => !key.startsWith('x-')))
  const examplesOf = (each: readonly unknown[]) => (examples ? { examples: each } : {})
  if (shape['x-widget'] === 'duration') return { ...durationSchema, ...examplesOf(examples ?? []) }
  if (shape['x-widget'] === 'moment') return { ...plain, pattern: momentPattern, ...examplesOf(examples ?? []) }
  if (shape.type === 'string' && shape.enum === undefined) {
    return { ...plain, type: ['string', 'number', 'boolean'], ...examplesOf(examples ?? []) }
  }
  if (shape.type === 'array') {
    return { ...plain, ...(items && { items: orExpression(items) }), ...examplesOf([examples]) }
  }
  if (shape.type !== 'object') return { ...plain, ...examplesOf(examples ?? []) }
  const fields = Object.entries(properties ?? {}).map(([name, field]) => [name, paramSchema(field)])
  const others = additionalProperties ? orExpression(additionalProperties) : false
  return { ...plain, properties: Object.fromEntries(fields), additionalProperties: others }
}
