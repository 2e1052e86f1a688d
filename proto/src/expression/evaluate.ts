// Running compiled expressions against what a run knows, and turning their results into plain values.
import { type CelInput, type CelValue, isCelError, isCelList, isCelMap, isCelUint } from '@bufbuild/cel'
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import { limits } from '../limits.ts'
import { type Said, say } from '../texts/say.ts'
import { blankGit } from '../triggers/git-facts.ts'
import { celValue } from './cel-value.ts'
import { compileExpression, type Expression, ExpressionError, type Reference } from './compile.ts'
import { contextFields, type StatusFlags, withStatus } from './language.ts'

/** What expressions see. Of `steps` only those are read that the expression names. */
export interface ExpressionContext {
  inputs: JsonObject
  env: Readonly<Record<string, string>>
  /** Variables of the organization and the project. */
  vars?: Readonly<Record<string, string>>
  /** Undefined: not known yet; what reads it cannot be evaluated. */
  git: Readonly<Record<string, JsonValue>> | undefined
  /** As `GitFacts.changed`. */
  changed?: Readonly<Record<string, boolean>> | undefined
  /** As `GitFacts.fileHashes`. */
  fileHashes?: Readonly<Record<string, string>> | undefined
  run: JsonObject
  /** By step id; `status` is a word such as "succeeded". Outputs of a step with a matrix are lists, with an entry a copy. */
  steps: Readonly<Record<string, { status: string; outputs: Readonly<Record<string, string | string[]>> }>>
  /** Of a copy of a step: its values. */
  matrix?: Readonly<Record<string, JsonValue>>
  /** Of triggers: by root, what they read beside these. */
  event?: Readonly<Record<string, JsonValue>>
  /** How the needs ended: what success(), failure() and canceled() answer. */
  needs: StatusFlags
}

/** The value of an expression as JSON. Throws an ExpressionError whose message is a sentence. */
export function evaluate(expression: Expression | string, context: ExpressionContext): JsonValue {
  const { plan, source } = ready(expression)
  const result = withStatus(context.needs, context, () =>
    plan.run(bindings(plan.references, context) as Record<string, never>),
  )
  if (isCelError(result)) throw new ExpressionError(explain(result.message, plan))
  const budget = { left: limits.expressionValueSize }
  return plain(result, budget, source)
}

/**
 * A condition of `when` or `if`. One that asks for none of success(), failure(), always() and canceled() is only looked at
 * when the needs succeeded.
 */
export function evaluateCondition(cel: Expression | string, context: ExpressionContext): boolean {
  const { plan, source } = ready(cel)
  if (!plan.usesStatus && !context.needs.success) return false
  const value = evaluate(plan, context)
  if (typeof value === 'boolean') return value
  throw new ExpressionError(
    say('condition_type', { source: quoted(source), value: JSON.stringify(value).slice(0, 200) }),
  )
}

function ready(expression: Expression | string): { plan: Expression; source: string } {
  if (typeof expression !== 'string') return { plan: expression, source: expression.source }
  const { expression: plan, error } = compileExpression(expression)
  if (plan === undefined)
    throw new ExpressionError(say('evaluate_compile', { source: quoted(expression), problem: error! }))
  return { plan, source: expression }
}

function quoted(source: string): string {
  const short = source.trim()
  return `\`${short.length > 120 ? `${short.slice(0, 119)}…` : short}\``
}

/** Only the roots, and of `steps` only the steps, that are referred to: a run may have ten thousand. */
function bindings(references: readonly Reference[], context: ExpressionContext): Record<string, CelInput> {
  const values: Record<string, CelInput> = {}
  const steps = new Map<string, CelInput>()
  for (const { root, path } of references) {
    if (root === 'steps') {
      const id = path[0] ?? ''
      const step = Object.hasOwn(context.steps, id) ? context.steps[id] : undefined
      if (step !== undefined && !steps.has(id)) steps.set(id, stepValue(step))
      values.steps = steps
    } else if (root === 'vars') {
      // Whoever wrote the file may not know which there are: what is not there is empty.
      values.vars ??= celValue({
        ...blank(references.flatMap((each) => (each.root === 'vars' && each.path[0] ? [each.path[0]] : []))),
        ...context.vars,
      })
    } else if (values[root] === undefined && !(root === 'git' && context.git === undefined)) {
      values[root] = rootValue(root, context)
    }
  }
  return values
}

function stepValue(step: ExpressionContext['steps'][string]): CelInput {
  return new Map<string, CelInput>([
    ['status', step.status],
    ['outputs', celValue(step.outputs)],
  ])
}

function rootValue(root: string, context: ExpressionContext): CelInput {
  if (context.event && Object.hasOwn(context.event, root)) return celValue(context.event[root]!)
  switch (root) {
    case 'inputs':
      return celValue(context.inputs)
    case 'env':
      return celValue(context.env)
    case 'matrix':
      return celValue(context.matrix ?? {})
    case 'git':
      return celValue({ ...blankGit, ...context.git })
    default:
      return celValue({ ...blank(contextFields.run), ...context.run })
  }
}

function blank(fields: readonly string[]): Record<string, string> {
  return Object.fromEntries(fields.map((field) => [field, '']))
}

function plain(value: CelValue, budget: { left: number }, source: string): JsonValue {
  budget.left -= typeof value === 'string' ? value.length + 1 : 1
  if (budget.left < 0) throw new ExpressionError(say('value_large', { source: quoted(source) }))
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value === 'bigint') return safeNumber(value)
  if (isCelUint(value)) return safeNumber(value.value)
  if (isCelList(value)) return [...value].map((item) => plain(item, budget, source))
  if (isCelMap(value)) {
    return Object.fromEntries(
      [...value].map(([key, item]) => [String(isCelUint(key) ? key.value : key), plain(item, budget, source)]),
    )
  }
  throw new ExpressionError(say('value_kind', { source: quoted(source) }))
}

function safeNumber(value: bigint): JsonValue {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}

/** As text: what `${{ }}` puts in its place. Lists and maps become JSON, nothing becomes "". */
export function toText(value: JsonValue): string {
  if (typeof value === 'string') return value
  if (value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function explain(message: string, plan: Expression): Said {
  const source = quoted(plan.source)
  const missing = /^(?:field not found|no such key): (.*)$/.exec(message)?.[1]
  if (missing !== undefined) {
    const reference = plan.references.find(({ path }) => path.includes(missing))
    const [step, part, name] = reference?.path ?? []
    if (reference?.root === 'steps' && part === 'outputs' && name === missing && step !== undefined) {
      return say('evaluate_output', { source, key: step, name })
    }
    const place = reference === undefined ? missing : [reference.root, ...reference.path].join('.')
    return say('evaluate_missing', { source, place })
  }
  const overload = /^found no matching overload for '(.*)' applied to '(.*)'$/.exec(message)
  if (overload !== null) {
    const operator = overload[1]!.replaceAll('_', '').trim()
    return say('evaluate_overload', { source, operator, types: overload[2]!.replace(/^\((.*)\)$/, '$1') })
  }
  return say('evaluate_error', { source, detail: message.replace(/\.$/, '') })
}
