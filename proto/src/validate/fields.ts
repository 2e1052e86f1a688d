// Names, counts and ranges of a pipeline's own fields.
import {
  type InputDefinition,
  InputType,
  type PipelineGraph,
  type StepDefinition,
} from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { pipelineFields } from '../fields/pipeline-fields.ts'
import { hasEffect, stepFields } from '../fields/step-fields.ts'
import { defaultOf, inputProblem } from '../inputs.ts'
import { limits, patterns } from '../limits.ts'
import { performerOf } from '../steps/index.ts'
import { say } from '../texts/say.ts'
import { variablesReadBy } from './expressions.ts'
import { nameSaid, quoted, type Report } from './finding.ts'

export function checkPipelineFields(graph: PipelineGraph, report: Report): void {
  for (const { key, of, kind } of pipelineFields) {
    kind.check?.(graph[of] as never, ({ field = '', ...finding }) => report({ ...finding, field: key + field }))
  }
}

/** `at`: where they stand. */
export function checkInputs(inputs: readonly InputDefinition[], at: string, report: Report): void {
  if (inputs.length > limits.inputs) {
    const said = say('many_inputs', { count: inputs.length, most: limits.inputs })
    report({ code: 'limit', field: at, said })
  }
  const seen = new Set<string>()
  for (const input of inputs) {
    const field = `${at}.${input.name}`
    if (!patterns.identifier.test(input.name))
      report({ code: 'input_name', field, said: nameSaid('input_name', input.name) })
    if (seen.has(input.name)) report({ field, said: say('duplicate_input', quoted(input.name)) })
    seen.add(input.name)
    checkInput(input, field, report)
  }
}

function checkInput(input: InputDefinition, field: string, report: Report): void {
  if (input.description.length > limits.descriptionLength) {
    const said = say('description_long', { most: limits.descriptionLength })
    report({ code: 'limit', field: `${field}.description`, said })
  }
  if (input.type === InputType.CHOICE) {
    if (input.options.length === 0) {
      report({ code: 'input_options', field, said: say('options_none', { example: '[a, b]' }) })
      return
    }
    if (new Set(input.options).size < input.options.length) {
      report({ code: 'input_options', field: `${field}.options`, said: say('options_twice') })
    }
    if (input.options.length > limits.inputOptions) {
      const said = say('many_options', { count: input.options.length, most: limits.inputOptions })
      report({ code: 'limit', field: `${field}.options`, said })
    }
  } else if (input.options.length > 0) {
    report({ code: 'input_options', field: `${field}.options`, said: say('options_other') })
  }
  const value = defaultOf(input)
  const problem = value === undefined ? undefined : inputProblem(input, value)
  if (problem !== undefined) {
    report({ field: `${field}.default`, said: say('input_default', { problem }) })
  }
}

export function checkStepFields(step: StepDefinition, report: Report): void {
  const stepId = step.id
  if (!patterns.stepId.test(step.id)) {
    report({ stepId, said: say('step_id', quoted(step.id)) })
  }
  for (const { key, of, kind } of stepFields) {
    kind.check?.(step[of] as never, ({ field = '', ...finding }) => report({ ...finding, stepId, field: key + field }))
  }
  checkEffects(step, report)
  const secrets = new Set(step.secrets)
  const both = step.env.find((pair) => secrets.has(pair.name))
  if (both !== undefined) {
    report({ stepId, field: `env.${both.name}`, said: say('shadowed', { name: both.name }), warning: true })
  }
}

/** Warns of what is written for nothing: nobody would notice that it is not heeded. */
function checkEffects(step: StepDefinition, report: Report): void {
  const by = performerOf(step.uses)
  if (by === 'steps') {
    checkTogether(step, report)
    return
  }
  for (const field of stepFields) {
    const { key, of, kind } = field
    if (hasEffect(field, step.uses) || kind.write(step[of] as never) === undefined) continue
    if (key === 'env') {
      const read = variablesReadBy(step)
      const unread = step.env.find(({ name }) => !read.has(name))
      if (unread === undefined) continue
    }
    report({ stepId: step.id, field: key, said: say('no_effect', { key, by, type: step.uses }), warning: true })
  }
}

/** A step that stands for others says what can be said of all of them, and nothing else. */
function checkTogether(step: StepDefinition, report: Report): void {
  for (const field of stepFields) {
    const { key, of, kind } = field
    if (hasEffect(field, step.uses) || kind.write(step[of] as never) === undefined) continue
    report({ stepId: step.id, field: key, code: 'template_field', said: say('template_field', { key }) })
  }
}
