// Every step type there is, by id. A new type is one more file here and one more name in this list.
import type { StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { suggestion } from '../suggest.ts'
import { shortText } from '../texts/parts.ts'
import { type Said, say } from '../texts/say.ts'
import { approval } from './approval.ts'
import { build } from './build.ts'
import { custom } from './custom.ts'
import { fetchCode } from './fetch-code.ts'
import { foreignAction } from './foreign-actions.ts'
import { httpRequest } from './http-request.ts'
import { compileStep } from './params.ts'
import { pipeline } from './pipeline.ts'
import type { Param, StepType, Work } from './step-type.ts'
import { template } from './template.ts'
import { test } from './test.ts'
import { wait } from './wait.ts'

export { validateParams } from './params.ts'
export type {
  Category,
  Execution,
  Param,
  ParamProblem,
  ParamSchema,
  ParamShape,
  StepType,
  Text,
  Widget,
  Work,
} from './step-type.ts'

export const stepTypes: ReadonlyMap<string, StepType> = new Map(
  [fetchCode, build, test, custom, wait, approval, pipeline, template, httpRequest].map((type) => [
    type.id,
    { ...type, compile: (params, ctx) => compileStep(type, params, ctx) } as StepType,
  ]),
)

export function stepType(id: string): StepType | undefined {
  return stepTypes.get(id)
}

/** What a step sets, besides what it declares. */
export function outputsOf({ uses, with: params = {} }: Pick<StepDefinition, 'uses' | 'with'>): readonly string[] {
  const type = stepTypes.get(uses)
  return type ? [...type.outputs, ...(type.outputsOf?.(params) ?? [])] : []
}

export type Performer = Work['by']

/** Who does the steps of this type. */
export function performerOf(id: string): Performer {
  return stepTypes.get(id)?.by ?? 'agent'
}

/** What labels and workspaces say is for these only. */
export function runsOnAgent(id: string): boolean {
  return performerOf(id) === 'agent'
}

/** Whether steps of this type run a script, on the agent's host or in a container. */
export function runsScript(id: string): boolean {
  const type = stepTypes.get(id)
  return type === undefined || (type.by === 'agent' && paramOf(type, 'script') !== undefined)
}

/** A parameter by its name, whatever the name is. */
export function paramOf(type: StepType | undefined, name: string): Param | undefined {
  return type && Object.hasOwn(type.params.properties, name) ? type.params.properties[name] : undefined
}

/** Types of the design that this version does not have yet. */
export const laterStepTypes: readonly string[] = [
  'security_scan',
  'deploy',
  'notify',
  'condition',
  'docker_build',
  'docker_run',
  'docker_push',
  'docker_pull',
  'k8s_deploy',
  'k8s_wait',
  'k8s_scale',
  'k8s_exec',
  'k8s_logs',
  'k8s_delete',
  'helm',
  'ansible',
]

/** What to say of a word after `uses:` that is no step type. */
export function unknownStepType(id: string): Said {
  const type = shortText(id)
  if (laterStepTypes.includes(id)) return say('later_step_type', { type })
  const foreign = foreignAction(id)
  if (foreign) return foreign
  const byAlias = [...stepTypes.values()].find(({ aliases }) => aliases.includes(id.toLowerCase()))
  return say('unknown_step_type', { type, ...(byAlias ? { near: byAlias.id } : suggestion(id, [...stepTypes.keys()])) })
}
