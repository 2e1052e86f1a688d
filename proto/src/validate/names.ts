// Names, counts and ranges of a pipeline's own fields.
import {
  type InputDefinition,
  InputType,
  type NameValue,
  type PipelineGraph,
  type StepDefinition,
} from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { labelProblem } from '../agent-labels.ts'
import { oddCharacter } from '../characters.ts'
import { defaultOf, inputProblem } from '../inputs.ts'
import { hasControl, isName, limits, patterns, utf8Length } from '../limits.ts'
import { pathProblem, reservedProblem } from '../step-variables.ts'
import type { Report } from './finding.ts'

export function checkPipelineNames(graph: PipelineGraph, report: Report): void {
  const name = graph.name
  if (name.trim() === '') {
    report({ code: 'name', field: 'name', message: 'The pipeline has no name. Write `name: …` at the top.' })
  } else if (!isName(name)) {
    const message = `The name must be one line of at most ${limits.nameLength} characters without spaces at its ends.`
    report({ code: 'name', field: 'name', message })
  }
  checkDescription(graph.description, undefined, report)
  checkDuration(graph.timeoutMs, undefined, 'timeout', report)
  checkEnv(graph.env, undefined, report)
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
      const message = `${quote(input.name)} is no name for an input: use letters, digits and _, not beginning with a digit.`
      report({ code: 'input_name', field, message })
    }
    if (seen.has(input.name)) {
      report({
        code: 'duplicate_input',
        field,
        message: `There are two inputs named ${quote(input.name)}. Rename one.`,
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

export function checkStepNames(step: StepDefinition, report: Report): void {
  const stepId = step.id
  if (!patterns.stepId.test(step.id)) {
    const message = `${quote(step.id)} is no id for a step: use small letters, digits, - and _, beginning with a letter or digit, at most 64.`
    report({ code: 'step_id', stepId, message })
  }
  if (step.name.length > limits.nameLength || hasControl(step.name)) {
    const message = `The name must be one line of at most ${limits.nameLength} characters.`
    report({ code: 'name', stepId, field: 'name', message })
  }
  checkDescription(step.description, stepId, report)
  checkDuration(step.timeoutMs, stepId, 'timeout', report)
  checkEnv(step.env, stepId, report)
  checkRetry(step, report)
  if (step.workspace !== '' && !patterns.workspace.test(step.workspace)) {
    const message = `${quote(step.workspace)} is no workspace: write shared, isolated, or a name of letters, digits, ., _ and -.`
    report({ code: 'workspace', stepId, field: 'workspace', message })
  }
  const message = step.runsOn.map(labelProblem).find((problem) => problem !== undefined)
  if (message !== undefined) report({ code: 'label', stepId, field: 'runsOn', message })
  checkCount(step.runsOn, limits.labelsOfAStep, 'labels', stepId, 'runsOn', report)
  checkSecrets(step, report)
  const output = step.outputs.find((each) => !patterns.identifier.test(each))
  if (output !== undefined) {
    const message = `${quote(output)} is no name for an output: use letters, digits and _, not beginning with a digit.`
    report({ code: 'output_name', stepId, field: 'outputs', message })
  }
  checkCount(step.outputs, limits.outputsOfAStep, 'outputs', stepId, 'outputs', report)
}

function checkSecrets(step: StepDefinition, report: Report): void {
  const stepId = step.id
  const wrong = step.secrets.find((each) => !patterns.identifier.test(each))
  if (wrong !== undefined) {
    const message = `${quote(wrong)} is no name for a secret: use letters, digits and _, not beginning with a digit.`
    report({ code: 'secret_name', stepId, field: 'secrets', message })
  }
  const reserved = step.secrets.map(reservedProblem).find((each) => each !== undefined)
  if (reserved !== undefined) {
    report({ code: 'env_reserved', stepId, field: 'secrets', message: `A secret is a variable: ${reserved}` })
  }
  const secrets = new Set(step.secrets)
  const both = step.env.find((pair) => secrets.has(pair.name))
  if (both !== undefined) {
    const message = `${both.name} is set in env and is a secret too; the secret wins. Remove one.`
    report({ code: 'shadowed', stepId, field: `env.${both.name}`, message, warning: true })
  }
  checkCount(step.secrets, limits.secretsOfAStep, 'secrets', stepId, 'secrets', report)
}

function checkRetry(step: StepDefinition, report: Report): void {
  const { retry, id: stepId } = step
  if (retry === undefined) return
  if (retry.max > limits.retries) {
    const message = `A step may be retried at most ${limits.retries} times.`
    report({ code: 'retry', stepId, field: 'retry.max', message })
  }
  if (!Number.isFinite(retry.backoff) || (retry.backoff !== 0 && retry.backoff < 1) || retry.backoff > 100) {
    const message = 'The backoff is a factor from 1 to 100, for example 2 to double the delay each time.'
    report({ code: 'retry', stepId, field: 'retry.backoff', message })
  }
  checkDuration(retry.delayMs, stepId, 'retry.delay', report)
}

function checkEnv(env: readonly NameValue[], stepId: string | undefined, report: Report): void {
  const at = stepId === undefined ? {} : { stepId }
  if (env.length > limits.env) {
    report({ ...at, code: 'limit', field: 'env', message: `There are more than ${limits.env} variables.` })
  }
  const seen = new Set<string>()
  for (const { name, value } of env) {
    const field = `env.${name}`
    if (!patterns.identifier.test(name)) {
      const message = `${quote(name)} is no name for a variable: use letters, digits and _, not beginning with a digit.`
      report({ ...at, code: 'env_name', field, message })
    }
    if (seen.has(name)) report({ ...at, code: 'duplicate_env', field, message: `${name} is set twice.` })
    seen.add(name)
    if (utf8Length(value) > limits.envValueBytes) {
      report({ ...at, code: 'limit', field, message: `${name} is longer than ${limits.envValueBytes / 1024} KiB.` })
    }
    const reserved = reservedProblem(name)
    if (reserved !== undefined) report({ ...at, code: 'env_reserved', field, message: reserved })
    const path = pathProblem(name, value)
    if (path !== undefined) report({ ...at, code: 'env_path', field, message: path })
  }
}

function checkCount(
  words: readonly string[],
  most: number,
  noun: string,
  stepId: string,
  field: string,
  report: Report,
): void {
  if (words.length > most) report({ code: 'limit', stepId, field, message: `A step may have at most ${most} ${noun}.` })
}

function checkDescription(description: string, stepId: string | undefined, report: Report): void {
  if (description.length <= limits.descriptionLength) return
  const at = stepId === undefined ? {} : { stepId }
  const message = `The description is longer than ${limits.descriptionLength} characters.`
  report({ ...at, code: 'limit', field: 'description', message })
}

function checkDuration(ms: number, stepId: string | undefined, field: string, report: Report): void {
  if (ms <= limits.durationMs) return
  const at = stepId === undefined ? {} : { stepId }
  report({ ...at, code: 'duration', field, message: 'That is longer than 30 days.' })
}

function quote(word: string): string {
  const odd = oddCharacter(word)
  const written = JSON.stringify(word.length > 80 ? `${word.slice(0, 80)}…` : word)
  return odd === undefined ? written : `${written}, which holds ${odd},`
}
