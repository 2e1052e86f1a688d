// From a template's parameters and what a step gives for them to the fields of its form. Pure; nothing that is given is left out.
import { type InputDefinition, InputType, type Template } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { defaultOf, fittedInputs } from '@ansflow/proto/inputs'
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import type { FieldKind, FormField } from './form-fields.ts'

const kinds: Partial<Record<InputType, FieldKind>> = {
  [InputType.BOOLEAN]: 'boolean',
  [InputType.CHOICE]: 'select',
}

/** Those of the template, then what the step gives that the template does not want. */
export function templateFields(template: Template | undefined, given: JsonObject): FormField[] {
  const definitions = template?.params ?? []
  const values = fittedInputs(definitions, given)
  const known = new Set(definitions.map(({ name }) => name))
  return [
    ...definitions.map((definition) => fieldOf(definition, values[definition.name])),
    ...Object.keys(given)
      .filter((name) => !known.has(name))
      .map((name) => ({ ...plain(name), value: given[name] })),
  ]
}

function fieldOf(definition: InputDefinition, value: JsonValue | undefined): FormField {
  const { name, type, description, required, options } = definition
  const kind = kinds[type] ?? 'text'
  const fallback = defaultOf(definition)
  return {
    ...plain(name),
    kind,
    help: description,
    required,
    value,
    fallback,
    changed: value !== undefined && value !== fallback,
    options: options.map((option) => ({ value: option, label: option })),
    expression: kind !== 'text' && typeof value === 'string' && value.includes('${{'),
  }
}

function plain(name: string): FormField {
  return {
    name,
    kind: 'text',
    title: name,
    help: '',
    example: '',
    required: false,
    advanced: false,
    value: undefined,
    fallback: undefined,
    changed: false,
    options: [],
    minimum: undefined,
    maximum: undefined,
    rows: [],
    expression: false,
  }
}

/** The parameters when one of them is given another value: texts, as the file has them. Undefined: none is given. */
export function withParam(given: JsonObject, name: string, value: JsonValue | undefined): JsonObject | undefined {
  const { [name]: _, ...others } = given
  const next = value === undefined ? others : { ...given, [name]: String(value) }
  return Object.keys(next).length > 0 ? next : undefined
}
