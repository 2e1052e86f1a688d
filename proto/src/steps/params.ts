// A step's parameters against its type: what is wrong with them, which secrets they name, and their values in a run.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import { type Schema, Validator } from '@cfworker/json-schema'
import { type ExpressionContext, hasExpression, interpolateValue, toText } from '../expression.ts'
import { suggestion } from '../suggest.ts'
import type { Param, ParamProblem, StepType } from './step-type.ts'

const validators = new WeakMap<Param, Validator>()

/**
 * Everything wrong with the parameters. A text that contains `${{ }}` is accepted for any parameter, except with `resolved`:
 * then the parameters are those of an attempt, and a `${{` in them came out of a value.
 */
export function validateParams(type: StepType, params: JsonObject, resolved = false): ParamProblem[] {
  const templated = (value: JsonValue) => !resolved && typeof value === 'string' && hasExpression(value)
  const problems: ParamProblem[] = []
  const { properties, required } = type.params
  const literal: JsonObject = {}
  for (const [name, value] of Object.entries(params)) {
    const param = Object.hasOwn(properties, name) ? properties[name] : undefined
    if (param === undefined) {
      const hint = suggestion(name, Object.keys(properties))
      problems.push({ field: name, message: `${type.id} has no parameter ${JSON.stringify(name)}.${hint}` })
      continue
    }
    const message = valueProblem(name, param, value, templated(value))
    if (message !== undefined) problems.push({ field: name, message })
    else if (!templated(value)) literal[name] = value
  }
  for (const name of required) {
    if (Object.hasOwn(params, name)) continue
    problems.push({
      field: name,
      message: `${type.id} needs ${JSON.stringify(name)}: ${properties[name]?.['x-text'].help.en ?? ''}`.trim(),
    })
  }
  if (type.check === undefined) return problems
  const wrong = new Set(problems.map((problem) => problem.field))
  for (const problem of type.check(literal)) {
    if (Object.hasOwn(literal, problem.field) && !wrong.has(problem.field)) problems.push(problem)
  }
  return problems
}

function valueProblem(name: string, param: Param, value: JsonValue, templated: boolean): string | undefined {
  let validator = validators.get(param)
  if (validator === undefined) {
    validator = new Validator(param as Schema, '2020-12', false)
    validators.set(param, validator)
  }
  const { errors } = validator.validate(value)
  const keyword = errors.map((error) => error.keyword).find((each) => !templated || each === 'maxLength')
  if (keyword === undefined) return undefined
  switch (keyword) {
    case 'type':
      return `${name} must be ${typeNames[param.type]}, not ${describe(value)}.`
    case 'enum':
      return `${name} must be one of ${param.enum?.join(', ')}.${typeof value === 'string' ? suggestion(value, param.enum ?? []) : ''}`
    case 'minLength':
      return `${name} is empty. ${param['x-text'].help.en}`
    case 'maxLength':
      return `${name} is longer than ${param.maxLength} characters.`
    case 'minimum':
      return `${name} must be at least ${param.minimum}.`
    case 'maximum':
      return `${name} must be at most ${param.maximum}.`
    default:
      return `${name} has the wrong form. ${param['x-text'].help.en}`
  }
}

const typeNames: Record<Param['type'], string> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
}

function describe(value: JsonValue): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  return typeof value === 'string' ? 'text' : String(value)
}

/** Names of the secrets that parameters refer to. */
export function paramSecrets(type: StepType, params: JsonObject): string[] {
  return Object.entries(type.params.properties)
    .filter(([, param]) => param['x-widget'] === 'secret')
    .map(([name]) => params[name])
    .filter((value) => typeof value === 'string' && value !== '')
    .map(String)
}

/**
 * The parameters of one attempt: every `${{ }}` replaced, in the type its parameter has where the text is one expression
 * alone ("${{ inputs.depth }}"). Throws an ExpressionError. What comes out is to be checked by `validateParams(type, params, true)`.
 */
export function interpolateParams(
  type: StepType | undefined,
  params: JsonObject,
  context: ExpressionContext,
): JsonObject {
  const values: JsonObject = {}
  for (const [name, value] of Object.entries(params)) {
    const result = interpolateDeep(value, context)
    const isText =
      type !== undefined &&
      Object.hasOwn(type.params.properties, name) &&
      type.params.properties[name]?.type === 'string'
    values[name] = isText && result !== value && typeof result !== 'string' ? toText(result) : result
  }
  return values
}

function interpolateDeep(value: JsonValue, context: ExpressionContext): JsonValue {
  if (typeof value === 'string') return interpolateValue(value, context)
  if (Array.isArray(value)) return value.map((item) => interpolateDeep(item, context))
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, interpolateDeep(item, context)]))
  }
  return value
}
