// The keys of the pipeline file with what each means: what the parser accepts and what the JSON Schema tells editors.
import { pipelineFields } from '../fields/pipeline-fields.ts'
import { stepFields } from '../fields/step-fields.ts'
import { type KeyTable, scalar, words } from './key-table.ts'

const fieldKeys = (
  fields: readonly { key: string; alias?: string; description: string; kind: { schema: object } }[],
): KeyTable =>
  Object.fromEntries(
    fields.flatMap(({ key, alias, description, kind }) => {
      const schema = { ...kind.schema }
      const other = alias === undefined ? [] : [[alias, { description: `The same as \`${key}\`.`, schema }]]
      return [[key, { description, schema }], ...other]
    }),
  )

export const pipelineKeys: KeyTable = {
  ...fieldKeys(pipelineFields),
  on: {
    description:
      'When runs start. By hand and by API unless manual or api is false; at moments of schedule; when runs of other pipelines have ended; by a webhook. push and pull_request are kept for later.',
    schema: { anyOf: [{ type: 'object' }, words] },
  },
  inputs: { description: 'What a run asks for at its start, by name.', schema: { type: ['object', 'null'] } },
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
  required: { description: 'A run cannot start without it.', schema: { type: 'boolean' } },
}

export const stepKeys: KeyTable = {
  uses: { description: 'The step type.', schema: { type: 'string' } },
  run: {
    description: 'A script: short for `uses: custom` with `with.script`.',
    schema: { type: 'string' },
  },
  shell: {
    description:
      'What runs the script: sh (the default), bash, pwsh, or any program: python3, or perl -w {0}. Short for `with.shell`.',
    schema: { type: 'string' },
  },
  workdir: {
    description: 'Where the script starts, relative to the workspace. Short for `with.workingDirectory`.',
    schema: { type: 'string' },
  },
  with: { description: 'The parameters of the step type.', schema: { type: ['object', 'null'] } },
  ...fieldKeys(stepFields),
}

/** Keys of the design this version cannot honour: leaving one out would change what runs, so it is an error. */
export const unavailableStepKeys: readonly string[] = [
  'image',
  'services',
  'artifacts',
  'reports',
  'cache',
  'environment',
]

/** Triggers that are kept in the file and do nothing yet. */
export const laterTriggers: readonly string[] = ['push', 'pull_request']

/** Of the pipeline: a place for anchors. They stay in the file and mean nothing. */
export const ignoredKeys = /^x-/
