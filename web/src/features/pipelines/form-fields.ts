// From a step type's schema and a step's parameters to the fields of its form. Pure; nothing of the step is left out.
import type { Param, StepType, Text } from '@ansflow/proto/steps/index'
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'

export type FieldKind =
  | 'script'
  | 'text'
  | 'multiline'
  | 'number'
  | 'boolean'
  | 'select'
  | 'secret'
  | 'duration'
  | 'list'
  | 'map'

export interface FormField {
  name: string
  kind: FieldKind
  title: string
  help: string
  example: string
  required: boolean
  advanced: boolean
  value: JsonValue | undefined
  /** The schema's default, shown where the step says nothing. */
  fallback: JsonValue | undefined
  /** Says something else than the default. */
  changed: boolean
  options: { value: string; label: string }[]
  minimum: number | undefined
  maximum: number | undefined
  /** The step gives `${{ }}` where the form has a control of another kind. */
  expression: boolean
}

type Language = keyof Text

export interface StepForm {
  main: FormField[]
  advanced: FormField[]
  /** Parameters the type does not know: kept, shown, removable. */
  other: { name: string; text: string }[]
}

export function formFields(type: StepType | undefined, params: JsonObject, language: Language): StepForm {
  const properties = type?.params.properties ?? {}
  const fields = Object.entries(properties)
    .sort(([, a], [, b]) => (a['x-order'] ?? 1000) - (b['x-order'] ?? 1000))
    .map(([name, param]) => formField(name, param, params[name], type!.params.required.includes(name), language))
  return {
    main: fields.filter((field) => !field.advanced),
    advanced: fields.filter((field) => field.advanced),
    other: Object.entries(params)
      .filter(([name]) => !Object.hasOwn(properties, name))
      .map(([name, value]) => ({ name, text: typeof value === 'string' ? value : JSON.stringify(value) })),
  }
}

function formField(
  name: string,
  param: Param,
  value: JsonValue | undefined,
  required: boolean,
  language: Language,
): FormField {
  const kind = fieldKind(param)
  const text = typeof value === 'string' ? value : ''
  return {
    name,
    kind,
    title: param['x-text'].title[language],
    help: param['x-text'].help[language],
    example: param.examples?.[0] ?? '',
    required,
    advanced: param['x-advanced'] ?? false,
    value,
    fallback: param.default,
    changed: value !== undefined && value !== param.default,
    options: (param.enum ?? []).map((option) => ({
      value: option,
      label: param['x-enum-text']?.[option]?.[language] ?? option,
    })),
    minimum: param.minimum,
    maximum: param.maximum,
    expression: ['number', 'boolean', 'select', 'list', 'map'].includes(kind) && text.includes('${{'),
  }
}

function fieldKind(param: Param): FieldKind {
  switch (param['x-widget']) {
    case 'script':
      return 'script'
    case 'multiline':
      return 'multiline'
    case 'secret':
      return 'secret'
    case 'duration':
      return 'duration'
    default:
  }
  if (param.enum) return 'select'
  if (param.type === 'boolean') return 'boolean'
  if (param.type === 'array') return 'list'
  if (param.type === 'object') return 'map'
  return param.type === 'string' ? 'text' : 'number'
}

/** The entries of a list or a map as texts. */
export function listValues({ value }: Pick<FormField, 'value'>): string[] {
  return Array.isArray(value) ? value.map(textOf) : []
}

export function mapValues({ value }: Pick<FormField, 'value'>): Record<string, string> {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return {}
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, textOf(inner)]))
}

function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** What a text typed into a field means for the step: undefined takes the parameter out. */
export function paramValue(field: FormField, text: string): JsonValue | undefined {
  if (text === '') return undefined
  if (field.kind === 'number' && !text.includes('${{')) {
    const number = Number(text)
    return Number.isFinite(number) ? number : text
  }
  return text
}
