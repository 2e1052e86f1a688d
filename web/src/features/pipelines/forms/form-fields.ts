// From a step type's schema and a step's parameters to the fields of its form. Pure; nothing of the step is left out.
import type { Param, ParamShape, StepType, Text } from '@ansflow/proto/steps/index'
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'

export type FieldKind =
  | ('script' | 'text' | 'multiline' | 'number' | 'boolean' | 'select' | 'suggest' | 'secret' | 'duration' | 'moment')
  | ('list' | 'map' | 'object' | 'rows')

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
  /** Of an object: its fields; of a list of objects: those of each. */
  rows: FormField[][]
  /** The step gives `${{ }}` where the form has a control of another kind. */
  expression: boolean
}

type Language = keyof Text

export interface StepForm {
  main: FormField[]
  advanced: FormField[]
  /** Those that stand with the step's own retries and timeout. */
  reliability: FormField[]
  /** Parameters the type does not know: kept, shown, removable. */
  other: { name: string; text: string }[]
}

/** `inherited`: what counts where the step says nothing, in the place of the schema's defaults. */
export function formFields(
  type: StepType | undefined,
  params: JsonObject,
  language: Language,
  inherited: JsonObject = {},
): StepForm {
  const properties = type?.params.properties ?? {}
  const fields = fieldsOf(type?.params ?? {}, params, language).map((field) => {
    const fallback = inherited[field.name]
    if (fallback === undefined) return field
    return { ...field, fallback, changed: field.value !== undefined && field.value !== fallback }
  })
  const isReliability = ({ name }: FormField) => properties[name]?.['x-tab'] === 'reliability'
  const settings = fields.filter((field) => !isReliability(field))
  return {
    main: settings.filter((field) => !field.advanced),
    advanced: settings.filter((field) => field.advanced),
    reliability: fields.filter(isReliability),
    other: Object.entries(params)
      .filter(([name]) => !Object.hasOwn(properties, name))
      .map(([name, value]) => ({ name, text: typeof value === 'string' ? value : JSON.stringify(value) })),
  }
}

function fieldsOf({ properties = {}, required = [] }: Fields, values: JsonObject, language: Language): FormField[] {
  /** What would mean nothing is not asked for; what is there nevertheless is shown. */
  const counts = ([name, param]: [string, Param]) => {
    const { of, values: fitting } = param['x-only'] ?? { of: '', values: [] }
    return of === '' || values[name] !== undefined || fitting.includes(String(values[of] ?? properties[of]?.default))
  }
  return Object.entries(properties)
    .filter(counts)
    .sort(([, a], [, b]) => (a['x-order'] ?? 1000) - (b['x-order'] ?? 1000))
    .map(([name, param]) => formField(name, param, values[name], required.includes(name), language))
}

type Fields = Pick<ParamShape, 'properties' | 'required'>

function formField(
  name: string,
  param: Param,
  value: JsonValue | undefined,
  required: boolean,
  language: Language,
): FormField {
  const kind = fieldKind(param)
  const text = typeof value === 'string' ? value : ''
  const objects = kind === 'rows' ? listOf(value) : kind === 'object' ? [value ?? {}] : []
  const shape = kind === 'rows' ? (param.items ?? {}) : param
  return {
    name,
    kind,
    title: param['x-text'].title[language],
    help: param['x-text'].help[language],
    example: param['x-example']?.[language] ?? param.examples?.[0] ?? '',
    required,
    advanced: param['x-advanced'] ?? false,
    value,
    fallback: param.default,
    changed: value !== undefined && value !== param.default,
    options: (param.enum ?? (kind === 'suggest' ? (param.examples ?? []) : [])).map((option) => ({
      value: option,
      label: param['x-enum-text']?.[option]?.[language] ?? option,
    })),
    minimum: param.minimum,
    maximum: param.maximum,
    rows: objects.map((each) => fieldsOf(shape, isObject(each) ? each : {}, language)),
    expression:
      !['script', 'text', 'suggest', 'multiline', 'secret', 'duration', 'moment'].includes(kind) &&
      text.includes('${{'),
  }
}

function fieldKind(param: Param): FieldKind {
  switch (param['x-widget']) {
    case 'script':
      return 'script'
    case 'multiline':
      return 'multiline'
    case 'shell':
      return 'suggest'
    case 'secret':
      return 'secret'
    case 'duration':
      return 'duration'
    case 'moment':
      return 'moment'
    default:
  }
  if (param.enum) return 'select'
  if (param.type === 'boolean') return 'boolean'
  if (param.type === 'array') return param.items?.properties ? 'rows' : 'list'
  if (param.type === 'object') return param.properties ? 'object' : 'map'
  return param.type === 'string' ? 'text' : 'number'
}

/** The entries of a list or a map as texts. */
export function listValues({ value }: Pick<FormField, 'value'>): string[] {
  return listOf(value).map(textOf)
}

export function mapValues({ value }: Pick<FormField, 'value'>): Record<string, string> {
  if (!isObject(value)) return {}
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, textOf(inner)]))
}

/** The parameter when a field of it, or of one of its objects, is given another value; empty ones are taken out. */
export function withInner(
  field: FormField,
  row: number,
  name: string,
  inner: JsonValue | undefined,
): JsonValue | undefined {
  const change = (object: JsonValue | undefined): JsonObject => {
    const { [name]: _, ...others } = isObject(object) ? object : {}
    return inner === undefined ? others : { ...others, [name]: inner }
  }
  if (field.kind === 'rows') return listOf(field.value).map((each, index) => (index === row ? change(each) : each))
  const object = change(field.value)
  return Object.keys(object).length > 0 ? object : undefined
}

/** With an empty object more, or one less. */
export function withRow(field: FormField, row?: number): JsonValue | undefined {
  const rows = listOf(field.value)
  const next = row === undefined ? [...rows, {}] : rows.filter((_, index) => index !== row)
  return next.length > 0 ? next : undefined
}

function listOf(value: JsonValue | undefined): JsonValue[] {
  return Array.isArray(value) ? value : []
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
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
