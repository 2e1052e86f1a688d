// A step's parameters against its type: what is wrong with them, and what an attempt asks for with them.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import { type Schema, Validator } from '@cfworker/json-schema'
import { ExpressionError, hasExpression, toText } from '../expression.ts'
import { suggestion } from '../suggest.ts'
import type { CompileContext, ParamProblem, ParamShape, StepType, Work } from './step-type.ts'

const validators = new WeakMap<ParamShape, Validator>()

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
    const message = valueProblem({ name, help: param['x-text'].help.en, resolved }, param, value)
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

interface Place {
  name: string
  help: string
  /** A `${{` in it came out of a value. */
  resolved: boolean
}

function valueProblem(at: Place, shape: ParamShape, value: JsonValue): string | undefined {
  if (shape.type === 'array' && Array.isArray(value)) return listProblem(at, shape, value)
  if (shape.type === 'object' && isMap(value)) return mapProblem(at, shape, value)
  let validator = validators.get(shape)
  if (validator === undefined) {
    validator = new Validator(shape as Schema, '2020-12', false)
    validators.set(shape, validator)
  }
  const { errors } = validator.validate(value)
  const templated = !at.resolved && typeof value === 'string' && hasExpression(value)
  const keyword = errors.map((error) => error.keyword).find((each) => !templated || each === 'maxLength')
  const { name, help } = at
  switch (keyword) {
    case undefined:
      return undefined
    case 'type':
      return `${name} must be ${typeNames[shape.type]}, not ${describe(value)}.`
    case 'enum':
      return `${name} must be one of ${shape.enum?.join(', ')}.${typeof value === 'string' ? suggestion(value, shape.enum ?? []) : ''}`
    case 'minLength':
      return `${name} is empty. ${help}`
    case 'maxLength':
      return `${name} is longer than ${shape.maxLength} characters.`
    case 'minimum':
      return `${name} must be at least ${shape.minimum}.`
    case 'maximum':
      return `${name} must be at most ${shape.maximum}.`
    default:
      return `${name} has the wrong form. ${help}`
  }
}

function listProblem(at: Place, { items, maxItems }: ParamShape, list: JsonValue[]): string | undefined {
  const { name } = at
  if (maxItems !== undefined && list.length > maxItems) return `${name} has more than ${maxItems} entries.`
  return first(list, (item, index) => items && valueProblem({ ...at, name: `${name}[${index}]` }, items, item))
}

function mapProblem(at: Place, shape: ParamShape, map: JsonObject): string | undefined {
  const { properties, required = [], propertyNames, additionalProperties, maxProperties } = shape
  const { name } = at
  const entries = Object.entries(map)
  if (maxProperties !== undefined && entries.length > maxProperties)
    return `${name} has more than ${maxProperties} entries.`
  const missing = required.find((key) => !Object.hasOwn(map, key))
  if (missing !== undefined) return `${name} needs ${JSON.stringify(missing)}. ${at.help}`
  return first(entries, ([key, value]) => {
    const field = properties && Object.hasOwn(properties, key) ? properties[key] : undefined
    const inner = { ...at, name: `${name}.${key}`, ...(field && { help: field['x-text'].help.en }) }
    if (field) return valueProblem(inner, field, value)
    if (!additionalProperties)
      return `${name} has no ${JSON.stringify(key)}.${suggestion(key, Object.keys(properties ?? {}))}`
    if (propertyNames && !new RegExp(propertyNames.pattern).test(key))
      return `${JSON.stringify(key)} cannot stand in ${name}. ${at.help}`
    return valueProblem(inner, additionalProperties, value)
  })
}

function first<T>(all: T[], problemOf: (item: T, index: number) => string | undefined): string | undefined {
  for (const [index, item] of all.entries()) {
    const problem = problemOf(item, index)
    if (problem !== undefined) return problem
  }
  return undefined
}

function isMap(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const typeNames: Record<ParamShape['type'], string> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
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
      return [name, param ? written(param, value) : value]
    }),
  )
  const [problem] = validateParams(type, values, true)
  if (problem !== undefined) throw new ExpressionError(problem.message)
  return type.compile(values, ctx)
}

function written(shape: ParamShape, value: JsonValue): JsonValue {
  if (shape.type === 'string') return typeof value === 'string' ? value : toText(value)
  const { items, properties, additionalProperties } = shape
  if (items && Array.isArray(value)) return value.map((item) => written(items, item))
  if (shape.type !== 'object' || !isMap(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const field = (properties && Object.hasOwn(properties, key) && properties[key]) || additionalProperties
      return [key, field ? written(field, inner) : inner]
    }),
  )
}
