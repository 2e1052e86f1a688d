// CEL text → a checked, bounded plan that can run many times, and the references it makes.
import { type CelResult, parse, plan } from '@bufbuild/cel'
import { globProblem } from '../globs.ts'
import { limits } from '../limits.ts'
import { suggestion } from '../suggest.ts'
import { shortText } from '../texts/parts.ts'
import { saidText } from '../texts/said-text.ts'
import { type Said, say } from '../texts/say.ts'
import { foreignCall, foreignName, foreignSyntax } from './foreign.ts'
import { hyphenBeforeNumber, hyphenOf, unreadableHyphen } from './hyphens.ts'
import {
  contextRoots,
  environment,
  functionNames,
  guards,
  macroNames,
  statusFunctions,
  templateRoots,
  triggerRoots,
  typeConstants,
} from './language.ts'

type Expr = NonNullable<ReturnType<typeof parse>['expr']>

/** A place of the context an expression reads: `steps["a-b"].outputs.x` is root "steps", path ["a-b", "outputs", "x"]. */
export interface Reference {
  root: string
  /** As far as it is written out; `steps[inputs.x].status` has an empty path, with `dynamic`. */
  path: string[]
  dynamic: boolean
}

export interface Expression {
  readonly source: string
  readonly references: readonly Reference[]
  /** Calls success(), failure(), always() or canceled(). */
  readonly usesStatus: boolean
  /** The globs of each `changed(…)` and each `hashFiles(…)`. */
  readonly changed: readonly (readonly string[])[]
  readonly hashFiles: readonly (readonly string[])[]
  readonly run: (bindings: Record<string, never>) => CelResult
}

/** Its message is a sentence for people. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError'
  readonly said: Said

  constructor(said: Said) {
    super(saidText(said))
    this.said = said
  }
}

const cacheSize = 2000
const allRoots: ReadonlySet<string> = new Set([...contextRoots, ...templateRoots, ...triggerRoots])
const compiled = new Map<string, { expression?: Expression; error?: Said }>()

/** Parses and checks; what cannot be evaluated is an error here already. Results are kept for the next call. */
export function compileExpression(cel: string): { expression?: Expression; error?: Said } {
  const known = compiled.get(cel)
  if (known !== undefined) return known
  const result = compile(cel)
  if (compiled.size >= cacheSize) compiled.delete(compiled.keys().next().value!)
  compiled.set(cel, result)
  return result
}

export function references(expression: Expression): readonly Reference[] {
  return expression.references
}

function compile(source: string): { expression?: Expression; error?: Said } {
  if (source.trim() === '') return { error: say('expression_empty') }
  if (source.length > limits.expressionLength) {
    return { error: say('expression_long', { most: limits.expressionLength }) }
  }
  try {
    const parsed = parse(source)
    if (parsed.expr === undefined) return { error: say('expression_empty') }
    const hyphen = hyphenBeforeNumber(source)
    if (hyphen) return { error: hyphen }
    const found: Findings = { references: [], functions: [], changed: [], hashFiles: [], loops: false, chooses: false }
    collect(parsed.expr, new Set(), found)
    const unknown = found.functions.find((name) => !functionNames.includes(name))
    if (unknown === 'matches') return { error: say('expression_matches') }
    if (unknown !== undefined) {
      const foreign = foreignCall(unknown)
      if (foreign) return { error: foreign }
      const hint = suggestion(unknown, [...functionNames, ...macroNames])
      return { error: say('expression_function', { name: unknown, ...hint }) }
    }
    const stranger = found.references.find(({ root }) => !allRoots.has(root))
    if (stranger !== undefined) return { error: hyphenOf(source, stranger.root) ?? unknownRoot(stranger) }
    if (found.chooses) return { error: say('expression_chooses') }
    // Without loops nothing can grow beyond a small multiple of the expression and what it is given.
    if (found.loops) guard(parsed.expr, new Set())
    const run = plan(environment, parsed.expr) as Expression['run']
    const usesStatus = found.functions.some((name) => statusFunctions.some((each) => each === name))
    const { references, changed, hashFiles } = found
    return { expression: { source, references, usesStatus, changed, hashFiles, run } }
  } catch (error) {
    return { error: syntaxProblem(error, source) }
  }
}

function unknownRoot({ root: name, path }: Reference): Said {
  const foreign = foreignName(name, path)
  if (foreign) return foreign
  if (['secrets', 'vars', 'github', 'job', 'runner'].includes(name)) {
    return say('expression_root_later', { name })
  }
  return say('expression_root', { name, ...suggestion(name, contextRoots) })
}

function syntaxProblem(error: unknown, source: string): Said {
  if (error instanceof ExpressionError) return error.said
  if (error instanceof RangeError) return say('expression_deep')
  const { location, found } = error as { location?: { start?: { column?: number } }; found?: string | null }
  const column = location?.start?.column
  if (column === undefined) {
    return say('expression_unusable', { detail: error instanceof Error ? error.message : String(error) })
  }
  const hyphen = unreadableHyphen(source)
  if (hyphen) return hyphen
  const foreign = foreignSyntax(source)
  if (foreign) return foreign
  if (found === undefined || found === null || found === '') return say('expression_ends', { column })
  return say('expression_mistake', { column, found: shortText(found) })
}

interface Findings {
  references: Reference[]
  functions: string[]
  changed: string[][]
  hashFiles: string[][]
  loops: boolean
  /** With && and || between values, as other languages do. */
  chooses: boolean
}

function collect(expr: Expr | undefined, bound: ReadonlySet<string>, found: Findings): void {
  if (expr === undefined) return
  const chain = chainOf(expr, bound, found)
  if (chain !== undefined) {
    if (!bound.has(chain.root) && !(typeConstants.has(chain.root) && chain.path.length === 0))
      found.references.push(chain)
    return
  }
  const { exprKind } = expr
  switch (exprKind.case) {
    case 'selectExpr':
      collect(exprKind.value.operand, bound, found)
      return
    case 'callExpr':
      if (!isOperator(exprKind.value.function)) found.functions.push(exprKind.value.function)
      if (isOfFiles(exprKind.value.function))
        found[exprKind.value.function].push(listOfFiles(exprKind.value.function, exprKind.value))
      if (isLogical(exprKind.value.function) && exprKind.value.args.some(isValue)) found.chooses = true
      collect(exprKind.value.target, bound, found)
      for (const arg of exprKind.value.args) collect(arg, bound, found)
      return
    case 'listExpr':
      for (const element of exprKind.value.elements) collect(element, bound, found)
      return
    case 'structExpr':
      if (exprKind.value.messageName !== '')
        throw new ExpressionError(say('expression_type', { name: exprKind.value.messageName }))
      for (const entry of exprKind.value.entries) {
        if (entry.keyKind.case === 'mapKey') collect(entry.keyKind.value, bound, found)
        collect(entry.value, bound, found)
      }
      return
    case 'comprehensionExpr': {
      const loop = exprKind.value
      found.loops = true
      collect(loop.iterRange, bound, found)
      const inside = new Set([...bound, loop.accuVar, loop.iterVar])
      for (const part of [loop.accuInit, loop.loopCondition, loop.loopStep, loop.result]) collect(part, inside, found)
    }
  }
}

/** The reference a chain of fields and constant indexes makes; an index that is computed ends its path. */
function chainOf(expr: Expr, bound: ReadonlySet<string>, found: Findings): Reference | undefined {
  const { exprKind } = expr
  if (exprKind.case === 'identExpr') return { root: exprKind.value.name.replace(/^\./, ''), path: [], dynamic: false }
  if (exprKind.case === 'selectExpr' && exprKind.value.operand !== undefined) {
    const chain = chainOf(exprKind.value.operand, bound, found)
    if (chain === undefined || chain.dynamic) return chain
    return { ...chain, path: [...chain.path, exprKind.value.field] }
  }
  if (exprKind.case === 'callExpr' && exprKind.value.function === '_[_]') {
    const [operand, index] = exprKind.value.args
    const chain = operand === undefined ? undefined : chainOf(operand, bound, found)
    if (chain === undefined || index === undefined) return undefined
    const constant = index.exprKind.case === 'constExpr' ? index.exprKind.value.constantKind : undefined
    if (constant?.case === 'stringValue' && !chain.dynamic) return { ...chain, path: [...chain.path, constant.value] }
    if (constant === undefined) collect(index, bound, found)
    return { ...chain, dynamic: true }
  }
  return undefined
}

function isOfFiles(name: string): name is 'changed' | 'hashFiles' {
  return name === 'changed' || name === 'hashFiles'
}

/** What it is asked of is looked up in one piece, under the one text that the list makes. */
function listOfFiles(name: 'changed' | 'hashFiles', call: { target?: Expr | undefined; args: Expr[] }): string[] {
  const patterns = call.args.map(({ exprKind }) => {
    const constant = exprKind.case === 'constExpr' ? exprKind.value.constantKind : undefined
    return constant?.case === 'stringValue' ? constant.value : undefined
  })
  if (call.target !== undefined || patterns.length === 0 || patterns.includes(undefined)) {
    const example = name === 'changed' ? 'changed("src/**", "!docs/**")' : 'hashFiles("**/package-lock.json")'
    throw new ExpressionError(say('changed_literal', { call: name, example }))
  }
  const list = patterns as string[]
  const problem = listProblem(list)
  if (problem) throw new ExpressionError(say('changed_pattern', { call: name, problem }))
  call.args = [parse(JSON.stringify(JSON.stringify(list))).expr!]
  return list
}

function listProblem(patterns: readonly string[]): Said | undefined {
  const size = JSON.stringify(patterns).length
  if (patterns.length > limits.globs || size > limits.changedLength) return say('many_globs', { most: limits.globs })
  return patterns.map((pattern) => globProblem(pattern, { path: true })).find((said) => said !== undefined)
}

function isLogical(name: string): boolean {
  return name === '_&&_' || name === '_||_'
}

/** Written out, and neither true nor false. */
function isValue({ exprKind }: Expr): boolean {
  return exprKind.case === 'constExpr' && exprKind.value.constantKind.case !== 'boolValue'
}

function isOperator(name: string): boolean {
  return /^[!_@-]/.test(name)
}

/** Bounds loops: each round takes from a budget, and each value that is made is measured. */
function guard(expr: Expr | undefined, accumulators: ReadonlySet<string>): void {
  if (expr === undefined) return
  const { exprKind } = expr
  switch (exprKind.case) {
    case 'selectExpr':
      guard(exprKind.value.operand, accumulators)
      return
    case 'callExpr': {
      const { function: name, target, args } = exprKind.value
      guard(target, accumulators)
      for (const arg of args) guard(arg, accumulators)
      const first = args[0]?.exprKind
      // The loop's own list grows by one a round; measuring it each time would cost its square.
      const accumulates = name === '_+_' && first?.case === 'identExpr' && accumulators.has(first.value.name)
      if (!accumulates && (name === '_+_' || !isOperator(name))) wrap(expr, guards.sized)
      return
    }
    case 'listExpr':
      for (const element of exprKind.value.elements) guard(element, accumulators)
      wrap(expr, guards.sized)
      return
    case 'structExpr':
      for (const entry of exprKind.value.entries) {
        if (entry.keyKind.case === 'mapKey') guard(entry.keyKind.value, accumulators)
        guard(entry.value, accumulators)
      }
      wrap(expr, guards.sized)
      return
    case 'comprehensionExpr': {
      const loop = exprKind.value
      const inside = new Set([...accumulators, loop.accuVar])
      guard(loop.iterRange, accumulators)
      for (const part of [loop.accuInit, loop.loopStep, loop.result]) guard(part, inside)
      const condition = parse(`${guards.round}(1) && true`).expr!
      if (condition.exprKind.case === 'callExpr' && loop.loopCondition !== undefined) {
        condition.exprKind.value.args[1] = loop.loopCondition
      }
      loop.loopCondition = condition
      wrap(expr, guards.sized)
    }
  }
}

function wrap(expr: Expr, name: string): void {
  const call = parse(`${name}(0)`).expr!
  const inner = { ...expr }
  if (call.exprKind.case === 'callExpr') call.exprKind.value.args[0] = inner
  expr.exprKind = call.exprKind
}
