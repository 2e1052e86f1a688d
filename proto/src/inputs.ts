// A run's inputs: what the caller gave, checked against the pipeline's definitions, with the defaults filled in.
import type { FieldViolation } from '@ansflow/proto/errors'
import { type InputDefinition, InputType } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { type JsonObject, type JsonValue, toJson } from '@bufbuild/protobuf'
import { ValueSchema } from '@bufbuild/protobuf/wkt'
import { unstorable } from './characters.ts'
import { limits, utf8Length } from './limits.ts'
import { numberProblem, writtenNumberProblem } from './number.ts'
import { Hints } from './suggest.ts'

/**
 * The values a run gets. Nothing is converted: "3" is no number and "true" no boolean, because a text that merely looks
 * right is more often a mistake of the caller. An input that is neither given nor has a default gets its type's empty value.
 */
export function resolveInputs(
  definitions: readonly InputDefinition[],
  given: JsonObject,
): { values: JsonObject; violations: FieldViolation[] } {
  const violations: FieldViolation[] = []
  const values: JsonObject = {}
  const names = definitions.map((definition) => definition.name)
  const known = new Set(names)
  const hints = new Hints()
  for (const name of Object.keys(given)) {
    if (known.has(name)) continue
    if (violations.length >= limits.problems) break
    violations.push({
      field: `inputs.${name}`,
      message: `The pipeline has no input ${JSON.stringify(name)}.${hints.suggestion(name, names)}`,
    })
  }
  for (const definition of definitions) {
    const value = Object.hasOwn(given, definition.name) ? given[definition.name] : undefined
    if (value === undefined || value === null) {
      if (definition.required && defaultOf(definition) === undefined) {
        violations.push({ field: `inputs.${definition.name}`, message: 'This input is required.' })
      }
      set(values, definition.name, defaultOf(definition) ?? emptyValue(definition))
      continue
    }
    const message = inputProblem(definition, value)
    if (message === undefined) set(values, definition.name, value)
    else violations.push({ field: `inputs.${definition.name}`, message })
  }
  return { values, violations }
}

/** The default in JSON form, or undefined when the definition has none. */
export function defaultOf(definition: InputDefinition): JsonValue | undefined {
  const value = definition.defaultValue
  if (value === undefined || value.kind.case === undefined || value.kind.case === 'nullValue') return undefined
  if (value.kind.case === 'numberValue' && !Number.isFinite(value.kind.value)) return undefined
  return toJson(ValueSchema, value) as JsonValue
}

/** What is wrong with a value for an input, as a sentence; undefined when nothing is. */
export function inputProblem(definition: InputDefinition, value: JsonValue): string | undefined {
  switch (definition.type) {
    case InputType.NUMBER:
      if (typeof value === 'number') return numberProblem(value)
      return `It must be a number, not ${described(value)}.${numberHint(value)}`
    case InputType.BOOLEAN:
      if (typeof value === 'boolean') return undefined
      return `It must be true or false, not ${described(value)}.${quotedHint(value, value === 'true' || value === 'false')}`
    case InputType.CHOICE:
      if (typeof value === 'string' && definition.options.includes(value)) return undefined
      return `It must be one of ${optionList(definition.options)}, not ${described(value)}.`
    default:
      if (typeof value !== 'string') return `It must be text, not ${described(value)}.`
      if (utf8Length(value) > limits.envValueBytes) return `It is longer than ${limits.envValueBytes / 1024} KiB.`
      return textProblem(value)
  }
}

function textProblem(value: string): string | undefined {
  const wrong = unstorable(value)
  return wrong && `It must not hold ${wrong.name}.`
}

function optionList(options: readonly string[]): string {
  const named = options.slice(0, 10).map((option) => JSON.stringify(option))
  return named.join(', ') + (options.length > named.length ? ', …' : '')
}

function emptyValue(definition: InputDefinition): JsonValue {
  switch (definition.type) {
    case InputType.NUMBER:
      return 0
    case InputType.BOOLEAN:
      return false
    case InputType.CHOICE:
      return definition.options[0] ?? ''
    default:
      return ''
  }
}

function described(value: JsonValue): string {
  if (typeof value === 'string')
    return `the text ${JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)}`
  if (Array.isArray(value)) return 'a list'
  if (value !== null && typeof value === 'object') return 'an object'
  return String(value)
}

function numberHint(value: JsonValue): string {
  if (typeof value !== 'string' || Number.isNaN(Number(value))) return ''
  const problem = writtenNumberProblem(value.trim())
  return problem === undefined ? quotedHint(value, true) : ` ${problem}`
}

function quotedHint(value: JsonValue, looksRight: boolean): string {
  if (typeof value !== 'string' || value.trim() === '' || !looksRight) return ''
  return ' Send it without quotes: text is not converted.'
}

/** An own property whatever the name: "__proto__" must not reach the prototype. */
function set(values: JsonObject, name: string, value: JsonValue): void {
  Object.defineProperty(values, name, { value, enumerable: true, writable: true, configurable: true })
}
