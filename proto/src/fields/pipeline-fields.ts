// Every field of a pipeline itself, once, as step-fields.ts has those of a step. Inputs, triggers and steps have a form of
// their own everywhere; they are listed where they are read.
import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { isName, limits } from '../limits.ts'
import { say } from '../texts/say.ts'
import { concurrency } from './concurrency.ts'
import { defaults } from './defaults.ts'
import { env } from './env.ts'
import { includes } from './includes.ts'
import type { Kind, ReportValue } from './kind.ts'
import { duration, integer, text } from './kinds.ts'
import { outputs } from './outputs.ts'
import { checkDescription } from './step-fields.ts'
import { templates } from './templates.ts'

export interface PipelineField<M extends keyof PipelineGraph = keyof PipelineGraph> {
  /** In the file; also its key in the document and the name of its texts in the console. */
  key: string
  /** In the message. */
  of: M
  kind: Kind<PipelineGraph[M]>
  description: string
  /** `settings`: a value of the document's root of that name. */
  document: 'settings' | 'own'
  /** As in step-fields.ts. */
  hashedAlways?: true
}

function field<M extends keyof PipelineGraph>(entry: PipelineField<M>): PipelineField {
  return entry as unknown as PipelineField
}

/** In the order of the file. `on` and `inputs` stand behind the description, `steps` at the end. */
export const pipelineFields: readonly PipelineField[] = [
  field({
    key: 'name',
    of: 'name',
    kind: text({ schema: { type: ['string', 'number'], minLength: 1, maxLength: limits.nameLength } }, checkName),
    description: 'The name of the pipeline, unique in its project.',
    document: 'settings',
    hashedAlways: true,
  }),
  field({
    key: 'description',
    of: 'description',
    kind: text({ lines: true }, checkDescription),
    description: 'What the pipeline is for.',
    document: 'settings',
    hashedAlways: true,
  }),
  field({
    key: 'env',
    of: 'env',
    kind: env,
    description: 'Environment variables of every step; values may hold ${{ }}.',
    document: 'own',
    hashedAlways: true,
  }),
  field({
    key: 'timeout',
    of: 'timeoutMs',
    kind: duration,
    description: 'The longest a whole run may take, such as 1h or 90m.',
    document: 'settings',
    hashedAlways: true,
  }),
  field({
    key: 'defaults',
    of: 'defaults',
    kind: defaults,
    description:
      'What steps have that do not say it themselves: runsOn, workspace, timeout, retry, env, secrets, shell.',
    document: 'settings',
  }),
  field({
    key: 'outputs',
    of: 'outputs',
    kind: outputs,
    description:
      'What a run says when it has succeeded, by name: ${{ steps.x.outputs.y }}. Whoever started it can read it.',
    document: 'settings',
  }),
  field({
    key: 'concurrency',
    of: 'concurrency',
    kind: concurrency,
    description:
      'Runs that wait for each other: how many run at once, the group they share, or { group, limit, queue, cancelInProgress }.',
    document: 'settings',
  }),
  field({
    key: 'priority',
    of: 'priority',
    kind: integer(-limits.priority, limits.priority),
    description: 'Steps of runs with a higher priority get their agents first; 0 when absent.',
    document: 'settings',
  }),
  field({
    key: 'include',
    of: 'include',
    kind: includes,
    description:
      'More templates: of files of the repository ({ file }), and of published versions of other pipelines ({ pipeline, version }).',
    document: 'settings',
  }),
  field({
    key: 'templates',
    of: 'templates',
    kind: templates,
    description: 'Groups of steps by name, for steps that say `uses: template`.',
    document: 'own',
  }),
]

/** Those with a form of their own. */
export const pipelineParts: readonly (keyof PipelineGraph)[] = ['triggers', 'inputs', 'steps']

/** Not of the file: found by whoever makes a version or a run. */
export const foundParts: readonly (keyof PipelineGraph)[] = ['included', 'templateUses']

/** Those that are values of `settings` in the document. */
export const settingFields = pipelineFields.filter(({ document }) => document === 'settings')

function checkName(name: string, report: ReportValue): void {
  if (name.trim() === '') {
    report({ code: 'name', said: say('no_name') })
  } else if (!isName(name)) {
    report({ code: 'name', said: say('pipeline_name', { most: limits.nameLength }) })
  }
}
