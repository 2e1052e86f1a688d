// The keys of steps and inputs in the file, as keys.ts has those of the pipeline.
import { stepFields } from '../fields/step-fields.ts'
import { type KeyTable, scalar } from './key-table.ts'

export const fieldKeys = (
  fields: readonly { key: string; alias?: string; description: string; kind: { schema: object } }[],
): KeyTable =>
  Object.fromEntries(
    fields.flatMap(({ key, alias, description, kind }) => {
      const schema = { ...kind.schema }
      const other = alias === undefined ? [] : [[alias, { description: `The same as \`${key}\`.`, schema }]]
      return [[key, { description, schema }], ...other]
    }),
  )

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
export const unavailableStepKeys: readonly string[] = ['services', 'artifacts', 'reports', 'cache']
