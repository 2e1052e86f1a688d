// A run's inputs: what the caller gave, checked against the pipeline's definitions, with the defaults filled in.
import { type InputDefinition, InputType } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { type JsonObject, type JsonValue, toJson } from '@bufbuild/protobuf'
import { ValueSchema } from '@bufbuild/protobuf/wkt'
import { unstorable } from './characters.ts'
import { type FieldViolation, violation } from './errors.ts'
import { hasExpression } from './expression.ts'
import { limits, utf8Length } from './limits.ts'
import { numberProblem, writtenNumberProblem } from './number.ts'
import { Hints } from './suggest.ts'
import { gotOf } from './texts/parts.ts'
import { type Said, say } from './texts/say.ts'

/**
 * The values a run gets. Nothing is converted: "3" is no number and "true" no boolean, because a text that merely looks
 * right is more often a mistake of the caller. An input that is neither given nor has a default gets its type's empty value. `path`: what stands before
 * the names in violations.
 */
export function resolveInputs(
  definitions: readonly InputDefinition[],
  given: JsonObject,
  path = 'inputs',
): { values: JsonObject; violations: FieldViolation[] } {
  const violations = inputFindings(definitions, given, path === 'fields' ? 'field' : undefined).map(({ name, said }) =>
    violation(`${path}.${name}`, said),
  )
  const values: JsonObject = {}
  for (const definition of definitions) {
    const value = Object.hasOwn(given, definition.name) ? given[definition.name] : undefined
    set(values, definition.name, value ?? defaultOf(definition) ?? emptyValue(definition))
  }
  return { values, violations }
}

/** Texts that say what a number or a boolean input asks for become that; all else stays as it is. */
export function fittedInputs(definitions: readonly InputDefinition[], given: JsonObject): JsonObject {
  const values: JsonObject = {}
  for (const [name, value] of Object.entries(given)) {
    set(values, name, fitted(definitions.find((each) => each.name === name)?.type, value))
  }
  return values
}

function fitted(type: InputType | undefined, value: JsonValue): JsonValue {
  if (typeof value !== 'string') {
    const isText = type === InputType.STRING || type === InputType.CHOICE || type === InputType.UNSPECIFIED
    return isText && (typeof value === 'number' || typeof value === 'boolean') ? String(value) : value
  }
  if (type === InputType.NUMBER && writtenNumberProblem(value.trim()) === undefined) return Number(value)
  return type === InputType.BOOLEAN && (value === 'true' || value === 'false') ? value === 'true' : value
}

/** What is wrong with values for inputs, each with the input's name. */
export function inputFindings(
  definitions: readonly InputDefinition[],
  given: JsonObject,
  of?: 'field',
): { name: string; said: Said }[] {
  const found: { name: string; said: Said }[] = []
  const names = definitions.map((definition) => definition.name)
  const known = new Set(names)
  const hints = new Hints()
  for (const name of Object.keys(given)) {
    if (known.has(name)) continue
    if (found.length >= limits.problems) break
    const hint = hints.suggestion(name, names)
    found.push({ name, said: say('unknown_input', { name: JSON.stringify(name), of, ...hint }) })
  }
  for (const definition of definitions) {
    const { name } = definition
    const value = Object.hasOwn(given, name) ? given[name] : undefined
    if (value === undefined || value === null) {
      if (definition.required && defaultOf(definition) === undefined)
        found.push({ name, said: say('input_required', { of }) })
      continue
    }
    const said = inputProblem(definition, value)
    if (said !== undefined) found.push({ name, said })
  }
  return found
}

/** The same of values as a file writes them for another run: texts become what an input is, and what `${{ }}` gives a run knows. */
export function writtenInputFindings(
  definitions: readonly InputDefinition[],
  given: JsonObject,
): { name: string; said: Said }[] {
  const names = new Set(definitions.map(({ name }) => name))
  const isOpen = (name: string) => {
    const value = Object.hasOwn(given, name) ? given[name] : undefined
    return names.has(name) && typeof value === 'string' && hasExpression(value)
  }
  const plain = Object.entries(given).filter(([name]) => !isOpen(name))
  const found = inputFindings(definitions, fittedInputs(definitions, Object.fromEntries(plain)))
  return found.filter(({ name }) => !isOpen(name))
}

/** The default in JSON form, or undefined when the definition has none. */
export function defaultOf(definition: InputDefinition): JsonValue | undefined {
  const value = definition.defaultValue
  if (value === undefined || value.kind.case === undefined || value.kind.case === 'nullValue') return undefined
  if (value.kind.case === 'numberValue' && !Number.isFinite(value.kind.value)) return undefined
  return toJson(ValueSchema, value) as JsonValue
}

/** What is wrong with a value for an input; undefined when nothing is. */
export function inputProblem(definition: InputDefinition, value: JsonValue): Said | undefined {
  const got = gotOf(value)
  switch (definition.type) {
    case InputType.NUMBER:
      if (typeof value === 'number') return numberProblem(value)
      return say('input_number', { ...got, ...numberHint(value) })
    case InputType.BOOLEAN:
      if (typeof value === 'boolean') return undefined
      return say('input_boolean', { ...got, ...quotedHint(value, value === 'true' || value === 'false') })
    case InputType.CHOICE:
      if (typeof value === 'string' && definition.options.includes(value)) return undefined
      return say('input_choice', { ...got, options: optionList(definition.options) })
    default:
      if (typeof value !== 'string') return say('input_text', got)
      if (utf8Length(value) > limits.envValueBytes) return say('input_long', { most: limits.envValueBytes / 1024 })
      return textProblem(value)
  }
}

function textProblem(value: string): Said | undefined {
  const wrong = unstorable(value)
  return wrong && say('input_characters', { odd: wrong.point })
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

function numberHint(value: JsonValue): { quotes?: string; problem?: Said } {
  if (typeof value !== 'string' || Number.isNaN(Number(value))) return {}
  const problem = writtenNumberProblem(value.trim())
  return problem === undefined ? quotedHint(value, true) : { problem }
}

function quotedHint(value: JsonValue, looksRight: boolean): { quotes?: string } {
  return typeof value !== 'string' || value.trim() === '' || !looksRight ? {} : { quotes: 'true' }
}

/** An own property whatever the name: "__proto__" must not reach the prototype. */
function set(values: JsonObject, name: string, value: JsonValue): void {
  Object.defineProperty(values, name, { value, enumerable: true, writable: true, configurable: true })
}
