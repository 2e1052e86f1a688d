// A step's parameters against its type: what is wrong with them, and what an attempt asks for with them.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import { type Schema, Validator } from '@cfworker/json-schema'
import { ExpressionError, hasExpression, toText } from '../expression.ts'
import { isTakenKey } from '../limits.ts'
import { nearest, suggestion } from '../suggest.ts'
import { gotOf, shortText } from '../texts/parts.ts'
import { type Said, say } from '../texts/say.ts'
import type { CompileContext, Param, ParamProblem, ParamShape, StepType, Work } from './step-type.ts'

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
  /** That are there by another name. */
  const meant = new Set<string>()
  for (const [name, value] of Object.entries(params)) {
    const param = Object.hasOwn(properties, name) ? properties[name] : undefined
    const here = type.foreign && Object.hasOwn(type.foreign, name) ? type.foreign[name] : undefined
    if (param === undefined && here !== undefined) {
      problems.push({ field: name, said: say('param_foreign', { type: type.id, name: shortText(name), here }) })
      meant.add(here)
      continue
    }
    if (param === undefined) {
      const hint = suggestion(name, Object.keys(properties))
      problems.push({ field: name, said: say('param_unknown', { type: type.id, name: shortText(name), ...hint }) })
      continue
    }
    const said = valueProblem({ type: type.id, param: name, examples: examplesOf(param), resolved }, param, value)
    if (said !== undefined) problems.push({ field: name, said })
    else if (!templated(value)) set(literal, name, value)
  }
  for (const name of required) {
    if (Object.hasOwn(params, name) || meant.has(name)) continue
    const example = properties[name] && examplesOf(properties[name]).whole
    problems.push({ field: name, said: say('param_missing', { type: type.id, param: name, example }) })
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

/** How the parameter may be written, and one of its entries where it is a list or a map. */
interface Examples {
  whole?: string
  entry?: string
}

function examplesOf({ type, examples = [] }: Param): Examples {
  const [first] = examples
  if (first === undefined) return {}
  if (type === 'array') return { whole: `[${examples.map((each) => JSON.stringify(each)).join(', ')}]`, entry: first }
  if (type === 'object') return { whole: `{ ${examples.join(', ')} }`, entry: first }
  return { whole: first.trim() }
}

interface Place {
  type: string
  /** From the parameter's name on: headers.Accept, expectStatus[0]. */
  param: string
  examples: Examples
  /** A `${{` in it came out of a value. */
  resolved: boolean
}

function valueProblem(at: Place, shape: ParamShape, value: JsonValue): Said | undefined {
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
  const where = { type: at.type, param: at.param }
  const example = at.examples.whole
  switch (keyword) {
    case undefined:
      return undefined
    case 'type':
      return say('param_type', { ...where, want: shape.type, ...gotOf(value), example })
    case 'enum': {
      const options = shape.enum ?? []
      const near = typeof value === 'string' ? nearest(value, options) : undefined
      return say('param_enum', { ...where, options: options.join(', '), value: written(value), near })
    }
    case 'minLength':
      return say('param_empty', { ...where, example })
    case 'maxLength':
      return say('param_long', { ...where, most: shape.maxLength ?? 0 })
    case 'minimum':
      return say('param_least', { ...where, least: shape.minimum ?? 0, value: written(value) })
    case 'maximum':
      return say('param_most', { ...where, most: shape.maximum ?? 0, value: written(value) })
    default:
      return say('param_form', { ...where, value: written(value), example })
  }
}

function listProblem(at: Place, { items, maxItems }: ParamShape, list: JsonValue[]): Said | undefined {
  const { type, param } = at
  if (maxItems !== undefined && list.length > maxItems) return say('param_entries', { type, param, most: maxItems })
  return first(list, (item, index) => items && valueProblem(entryOf(at, `${param}[${index}]`), items, item))
}

/** One entry of a list or a map. */
function entryOf(at: Place, param: string): Place {
  const { entry } = at.examples
  return { ...at, param, examples: entry === undefined ? {} : { whole: entry, entry } }
}

function mapProblem(at: Place, shape: ParamShape, map: JsonObject): Said | undefined {
  const { properties, required = [], propertyNames, additionalProperties, maxProperties } = shape
  const { type, param } = at
  const entries = Object.entries(map)
  if (maxProperties !== undefined && entries.length > maxProperties)
    return say('param_entries', { type, param, most: maxProperties })
  const missing = required.find((key) => !Object.hasOwn(map, key))
  if (missing !== undefined) return say('param_lacks', { type, param, name: missing })
  return first(entries, ([key, value]) => {
    const field = properties && Object.hasOwn(properties, key) ? properties[key] : undefined
    if (field) return valueProblem({ ...at, param: `${param}.${key}`, examples: examplesOf(field) }, field, value)
    const name = shortText(key)
    if (!additionalProperties)
      return say('param_part', { type, param, name, ...suggestion(key, Object.keys(properties ?? {})) })
    if (isTakenKey(key)) return say('name_proto', { name: key })
    if (propertyNames && !new RegExp(propertyNames.pattern).test(key))
      return say('param_key', { type, param, name, example: at.examples.entry })
    return valueProblem(entryOf(at, `${param}.${key}`), additionalProperties, value)
  })
}

function first<T>(all: T[], problemOf: (item: T, index: number) => Said | undefined): Said | undefined {
  for (const [index, item] of all.entries()) {
    const problem = problemOf(item, index)
    if (problem !== undefined) return problem
  }
  return undefined
}

function isMap(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** In a sentence about it. */
function written(value: JsonValue): string {
  return typeof value === 'string' ? shortText(value) : shortText(JSON.stringify(value)).slice(1, -1)
}

/** A parameter that is wrong once its expressions have values. */
export class ParamError extends ExpressionError {
  readonly field: string

  /** The sentence says which parameter it is about: here it stands beside no field. */
  constructor(type: string, { field, said }: ParamProblem) {
    super('param' in said.params ? said : say('param_wrong', { param: field, type, problem: said }))
    this.field = field
  }
}

/**
 * Compiles the parameters of one attempt, every `${{ }}` replaced. They are checked once more: what an input brought must
 * not get past what the editor would have refused. A number or boolean for a text is written out.
 */
export function compileStep(type: StepType, params: JsonObject, ctx: CompileContext): Work {
  const values = Object.fromEntries(
    Object.entries(params).map(([name, value]) => {
      const param = Object.hasOwn(type.params.properties, name) ? type.params.properties[name] : undefined
      return [name, param ? fitted(param, value) : value]
    }),
  )
  const [problem] = validateParams(type, values, true)
  if (problem !== undefined) throw new ParamError(type.id, withoutMark(problem, ctx.secretMark))
  return type.compile(values, ctx)
}

/** A secret's place is shown as its author wrote it. */
function withoutMark({ field, said }: ParamProblem, mark = ''): ParamProblem {
  if (mark === '') return { field, said }
  const params = Object.entries(said.params).map(([name, value]) => [name, value.replaceAll(`\${${mark}:`, '${')])
  return { field, said: { code: said.code, params: Object.fromEntries(params) } }
}

function fitted(shape: ParamShape, value: JsonValue): JsonValue {
  if (shape.type === 'string') return typeof value === 'string' ? value : toText(value)
  const { items, properties, additionalProperties } = shape
  if (items && Array.isArray(value)) return value.map((item) => fitted(items, item))
  if (shape.type !== 'object' || !isMap(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const field = (properties && Object.hasOwn(properties, key) && properties[key]) || additionalProperties
      return [key, field ? fitted(field, inner) : inner]
    }),
  )
}

/** An own property whatever the name: "__proto__" must not reach the prototype. */
function set(values: JsonObject, name: string, value: JsonValue): void {
  Object.defineProperty(values, name, { value, enumerable: true, writable: true, configurable: true })
}
