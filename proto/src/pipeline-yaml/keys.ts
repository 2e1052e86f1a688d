// The keys of the pipeline file with what each means: what the parser accepts and what the JSON Schema tells editors.
import { pipelineFields } from '../fields/pipeline-fields.ts'
import { type KeyTable, words } from './key-table.ts'
import { fieldKeys } from './step-keys.ts'

export const pipelineKeys: KeyTable = {
  ...fieldKeys(pipelineFields),
  on: {
    description:
      'When runs start. By hand and by API unless manual or api is false; at moments of schedule; when runs of other pipelines have ended; by a webhook; when something happens in a repository.',
    schema: { anyOf: [{ type: 'object' }, words] },
  },
  inputs: { description: 'What a run asks for at its start, by name.', schema: { type: ['object', 'null'] } },
  steps: { description: 'The steps by id. Edges come from their needs.', schema: { type: 'object' } },
}

/** Of the pipeline: a place for anchors. They stay in the file and mean nothing. */
export const ignoredKeys = /^x-/
