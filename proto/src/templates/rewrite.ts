// Rewrites expressions of a template, or of what surrounds a step that uses one, so that they mean the same in the pipeline that
// is written out. What an author gives for a parameter stays a value: it becomes a literal of CEL, or an expression in parentheses.
import { type InputDefinition, InputType } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import { withoutTexts } from '../expression/hyphens.ts'
import { hasExpression, parseTemplate, toText } from '../expression.ts'
import { fittedInputs } from '../inputs.ts'

/** What names mean where an expression stands. Undefined: they stay as they are. */
export interface Names {
  /** CEL for `params.<name>`. */
  param(name: string): string | undefined
  /** The step's key in the run. */
  step(id: string): string | undefined
  /** CEL for `steps.<id>.outputs.<name>` of a step that stands for others. */
  output(id: string, name: string): string | undefined
}

const ident = '[A-Za-z_]\\w*'
const isIdent = new RegExp(`^${ident}$`)
const field = `(?:\\.\\s*(${ident})|\\[\\s*("[^"\\\\]*"|'[^'\\\\]*')\\s*\\])`
const word = new RegExp(
  `(?<![\\w.$])(has\\s*\\(\\s*)?(?:params\\s*\\.\\s*(${ident})|steps\\s*${field}(?:\\s*\\.\\s*outputs\\s*${field})?)(\\s*\\))?`,
  'g',
)

export function rewriteExpression(source: string, names: Names): string {
  // Most name neither.
  if (!source.includes('params') && !source.includes('steps')) return source
  const code = withoutTexts(source)
  return source.replace(
    word,
    (written, has = '', param, dotted, quoted, outDotted, outQuoted, close = '', at: number) => {
      if (code[at] !== source[at]) return written
      const means = meaning(names, { param, id: dotted ?? textOf(quoted), output: outDotted ?? textOf(outQuoted) })
      if (means === undefined) return written
      // What stands for a parameter or an output is always there.
      if (has !== '' && close !== '' && 'value' in means) return 'true'
      return `${has}${'value' in means ? means.value : `steps[${JSON.stringify(means.step)}]${means.rest}`}${close}`
    },
  )
}

function meaning(
  names: Names,
  { param, id, output }: { param: string | undefined; id: string | undefined; output: string | undefined },
): { value: string } | { step: string; rest: string } | undefined {
  if (param !== undefined) {
    const value = names.param(param)
    return value === undefined ? undefined : { value }
  }
  if (id === undefined) return undefined
  const value = output === undefined ? undefined : names.output(id, output)
  if (value !== undefined) return { value }
  const step = names.step(id)
  if (step === undefined) return undefined
  return { step, rest: output === undefined ? '' : `.outputs${part(output)}` }
}

function part(name: string): string {
  return isIdent.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`
}

function textOf(quoted: string | undefined): string | undefined {
  return quoted?.slice(1, -1)
}

/**
 * A text with `${{ }}`. `fold`: what is known now is written into it, and a text that is one such expression alone becomes its
 * value; scripts do not: what stands in them goes the way of all values.
 */
export function rewriteText(text: string, names: Names, fold: boolean): JsonValue {
  if (!hasExpression(text)) return text
  const parts = parseTemplate(text).parts.map((part) => {
    if (part.kind === 'text') return { kind: 'text' as const, text: part.text, changed: false }
    const source = rewriteExpression(part.source, names)
    return { kind: 'expression' as const, source, changed: source !== part.source }
  })
  if (!parts.some(({ changed }) => changed)) return text
  const [only] = parts
  if (fold && parts.length === 1 && only?.kind === 'expression') {
    const known = literalOf(only.source)
    if (known !== undefined) return typeof known === 'string' ? escaped(known) : known
  }
  let result = ''
  for (const part of parts) {
    const known = part.kind === 'text' ? part.text : part.changed && fold ? literalOf(part.source) : undefined
    // A dollar before ${{ would make a text of it.
    if (known !== undefined && !toText(known).endsWith('$')) result += escaped(toText(known))
    else if (part.kind === 'text') result += escaped(part.text)
    else result += `\${{ ${part.source} }}`
  }
  return result
}

function escaped(text: string): string {
  return text.replaceAll('${{', () => '$${{')
}

/** In all texts of a value: of a message, too. */
export function rewriteValue(value: unknown, names: Names): unknown {
  if (typeof value === 'string') return rewriteText(value, names, false)
  if (Array.isArray(value)) return value.map((item) => rewriteValue(item, names))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rewriteValue(item, names)]))
}

/** Needs no parentheses: inputs.x, steps["a/b"].outputs.c */
const isOnePiece = /^[A-Za-z_][\w.]*(?:\["[^"\\]*"\][\w.]*)*$/

/** CEL for a text with `${{ }}`, whose names are rewritten already; one expression alone keeps its value's type. */
export function celOfText(text: string): string {
  const parts = hasExpression(text) ? parseTemplate(text).parts : []
  const [only] = parts
  if (parts.length === 0) return celOf(text)
  if (parts.length === 1 && only?.kind === 'text') return celOf(only.text)
  if (parts.length === 1 && only?.kind === 'expression') {
    return isOnePiece.test(only.source) || literalOf(only.source) !== undefined ? only.source : `(${only.source})`
  }
  return `(${parts.map((each) => (each.kind === 'text' ? celOf(each.text) : `string(${each.source})`)).join(' + ')})`
}

/** CEL for what a step gives for a parameter: a value of the parameter's type, or what becomes one when the run has it. */
export function celOfParam(definition: InputDefinition, given: JsonValue): string {
  if (typeof given !== 'string' || !hasExpression(given)) return celOf(fitted(definition, given))
  const source = celOfText(given)
  const known = literalOf(source)
  if (known !== undefined) return celOf(fitted(definition, known))
  const text = `string(${source})`
  switch (definition.type) {
    case InputType.NUMBER:
      return `double(fromJSON(${text}))`
    case InputType.BOOLEAN:
      return `{"true": true, "false": false}[${text}]`
    case InputType.CHOICE:
      return `{${definition.options.map((each) => `${celOf(each)}: ${celOf(each)}`).join(', ')}}[${text}]`
    default:
      return parseTemplate(given).parts.length > 1 ? source : text
  }
}

function fitted(definition: InputDefinition, value: JsonValue): JsonValue {
  const { name } = definition
  return fittedInputs([definition], { [name]: value } as JsonObject)[name]!
}

/** Numbers are doubles, as those of inputs are. */
export function celOf(value: JsonValue): string {
  if (typeof value !== 'number') return JSON.stringify(value)
  const text = Number.isInteger(value) && Math.abs(value) < 1e15 ? `${value}.0` : String(value)
  return value < 0 ? `(${text})` : text
}

/** What `celOf` was given. */
function literalOf(cel: string): JsonValue | undefined {
  if (/^"(?:[^"\\]|\\.)*"$/.test(cel) || cel === 'true' || cel === 'false') return JSON.parse(cel) as JsonValue
  const number = /^\(?(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\)?$/.exec(cel)?.[1]
  return number === undefined ? undefined : Number(number)
}
