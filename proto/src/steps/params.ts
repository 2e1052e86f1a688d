// A step's parameters against its type: what is wrong with them, and what an attempt asks for with them.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import { type Schema, Validator } from '@cfworker/json-schema'
import { ExpressionError, hasExpression, toText } from '../expression.ts'
import { suggestion } from '../suggest.ts'
import type { CompileContext, Param, ParamProblem, StepType, Work } from './step-type.ts'

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
  const given = new Set(Object.keys(params))
  for (const problem of type.check(literal, given)) {
    const { field } = problem
    if ((Object.hasOwn(literal, field) || !given.has(field)) && !wrong.has(field)) problems.push(problem)
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

/**
 * Compiles the parameters of one attempt, every `${{ }}` replaced. They are checked once more: what an input brought must
 * not get past what the editor would have refused. A number or boolean for a text is written out.
 */
export function compileStep(type: StepType, params: JsonObject, ctx: CompileContext): Work {
  const values = Object.fromEntries(
    Object.entries(params).map(([name, value]) => {
      const param = Object.hasOwn(type.params.properties, name) ? type.params.properties[name] : undefined
      return [name, param?.type === 'string' && typeof value !== 'string' ? toText(value) : value]
    }),
  )
  const [problem] = validateParams(type, values, true)
  if (problem !== undefined) throw new ExpressionError(problem.message)
  return type.compile(values, ctx)
}
