// Names, counts and ranges of a pipeline's own fields.
import {
  type InputDefinition,
  InputType,
  type PipelineGraph,
  type StepDefinition,
} from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { pipelineFields } from '../fields/pipeline-fields.ts'
import { stepFields } from '../fields/step-fields.ts'
import { defaultOf, inputProblem } from '../inputs.ts'
import { limits, patterns } from '../limits.ts'
import { runsOnAgent } from '../steps/index.ts'
import { quoted, type Report } from './finding.ts'

export function checkPipelineFields(graph: PipelineGraph, report: Report): void {
  for (const { key, of, kind } of pipelineFields) {
    kind.check?.(graph[of] as never, ({ field = '', ...finding }) => report({ ...finding, field: key + field }))
  }
}

export function checkInputs(graph: PipelineGraph, report: Report): void {
  if (graph.inputs.length > limits.inputs) {
    const message = `The pipeline has ${graph.inputs.length} inputs; ${limits.inputs} are possible.`
    report({ code: 'limit', field: 'inputs', message })
  }
  const seen = new Set<string>()
  for (const input of graph.inputs) {
    const field = `inputs.${input.name}`
    if (!patterns.identifier.test(input.name)) {
      const message = `${quoted(input.name)} is no name for an input: use letters, digits and _, not beginning with a digit.`
      report({ code: 'input_name', field, message })
    }
    if (seen.has(input.name)) {
      report({
        code: 'duplicate_input',
        field,
        message: `There are two inputs named ${quoted(input.name)}. Rename one.`,
      })
    }
    seen.add(input.name)
    checkInput(input, field, report)
  }
}

function checkInput(input: InputDefinition, field: string, report: Report): void {
  if (input.description.length > limits.descriptionLength) {
    const message = `The description is longer than ${limits.descriptionLength} characters.`
    report({ code: 'limit', field: `${field}.description`, message })
  }
  if (input.type === InputType.CHOICE) {
    if (input.options.length === 0) {
      report({ code: 'input_options', field, message: 'A choice needs options: [a, b].' })
      return
    }
    if (new Set(input.options).size < input.options.length) {
      report({ code: 'input_options', field: `${field}.options`, message: 'An option is listed twice.' })
    }
    if (input.options.length > limits.inputOptions) {
      const message = `There are ${input.options.length} options; ${limits.inputOptions} are possible.`
      report({ code: 'limit', field: `${field}.options`, message })
    }
  } else if (input.options.length > 0) {
    const message = 'Only an input of type choice has options. Write `type: choice` or remove them.'
    report({ code: 'input_options', field: `${field}.options`, message })
  }
  const value = defaultOf(input)
  const problem = value === undefined ? undefined : inputProblem(input, value)
  if (problem !== undefined) {
    const message = `The default does not fit the input. ${problem}`
    report({ code: 'input_default', field: `${field}.default`, message })
  }
}

export function checkStepFields(step: StepDefinition, report: Report): void {
  const stepId = step.id
  if (!patterns.stepId.test(step.id)) {
    const message = `${quoted(step.id)} is no id for a step: use small letters, digits, - and _, beginning with a letter or digit, at most 64.`
    report({ code: 'step_id', stepId, message })
  }
  const onAgent = runsOnAgent(step.uses)
  for (const { key, of, kind, agentOnly } of stepFields) {
    kind.check?.(step[of] as never, ({ field = '', ...finding }) => report({ ...finding, stepId, field: key + field }))
    if (agentOnly && !onAgent && kind.write(step[of] as never) !== undefined) {
      const message = `No agent runs a ${step.uses} step, so ${key} says nothing. Remove it.`
      report({
        code: 'agent_only',
        stepId,
        field: key,
        message,
        warning: true,
        params: { field: key, type: step.uses },
      })
    }
  }
  const secrets = new Set(step.secrets)
  const both = step.env.find((pair) => secrets.has(pair.name))
  if (both !== undefined) {
    const message = `${both.name} is set in env and is a secret too; the secret wins. Remove one.`
    report({ code: 'shadowed', stepId, field: `env.${both.name}`, message, warning: true })
  }
}
