// Expressions of a pipeline: that they parse, and that what they refer to exists and is there by then.
import type { PipelineGraph, StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { JsonValue } from '@bufbuild/protobuf'
import { foreignName } from '../expression/foreign.ts'
import { hyphenated, hyphenSaid } from '../expression/hyphens.ts'
import {
  compileExpression,
  contextFields,
  hasExpression,
  parseTemplate,
  type Reference,
  triggerRoots,
} from '../expression.ts'
import { configFields } from '../fields/step-fields.ts'
import { firstCheckout, topologicalOrder } from '../graph.ts'
import { matrixNames } from '../matrix.ts'
import { expressionsOf, referencesIn } from '../step-expressions.ts'
import { outputsOf, stepType } from '../steps/index.ts'
import { Hints, suggestion } from '../suggest.ts'
import { allTemplates } from '../templates/included.ts'
import { shortText } from '../texts/parts.ts'
import { type Said, say } from '../texts/say.ts'
import type { Finding, Report } from './finding.ts'

/** Where an expression stands, and which variables it may read there. */
interface Site {
  step: StepDefinition | undefined
  field: string
  env: ReadonlySet<string>
  /** It is evaluated when all steps have ended. */
  atEnd?: true
  /** Read before the run begins. */
  early?: true
  /** It is read once the step has ended, too, and so may read what the step has set. */
  own?: true
}

interface StepUse {
  site: Site
  target: string
  /** What is read of what that step fetched, which the run's origin may say as well. */
  git?: string
}

/** `params`: of the template whose steps these are. */
export function checkExpressions(graph: PipelineGraph, report: Report, params?: readonly string[]): void {
  const check = new ExpressionCheck(graph, report, params)
  const none = new Set<string>()
  const global = new Set(graph.env.map((pair) => pair.name))
  for (const { name, value } of graph.env) check.text(value, { step: undefined, field: `env.${name}`, env: none })
  for (const { name, value } of graph.outputs) {
    check.text(value, { step: undefined, field: `outputs.${name}`, env: global, atEnd: true })
  }
  if (graph.concurrency) {
    check.text(graph.concurrency.group, { step: undefined, field: 'concurrency.group', env: none, early: true })
  }
  for (const step of graph.steps) {
    const all = step.env.length === 0 ? global : new Set([...global, ...step.env.map((pair) => pair.name)])
    check.text(step.name, { step, field: 'name', env: all })
    for (const { key, of, kind } of configFields) {
      const value = step[of] as JsonValue
      // The copies' own variables may read the matrix.
      const site = { step, field: key, env: kind.name === 'matrix' ? global : all }
      if (kind.expressions === 'condition' && value !== '') check.expression(value as string, site)
      else if (of === 'environment') check.environment(step, site)
      else if (kind.expressions === 'template') check.value(value, site)
    }
    for (const need of step.needs) {
      if (need.condition === '') continue
      check.expression(need.condition, { step, field: `needs.${need.stepId}.if`, env: all })
    }
    for (const { name, value } of step.env) check.text(value, { step, field: `env.${name}`, env: global })
    if (step.with === undefined) continue
    for (const [name, value] of Object.entries(step.with)) {
      check.value(value as JsonValue, { step, field: `with.${name}`, env: all })
    }
  }
  check.order(graph.steps)
}

/** Of the step's own and the pipeline's. */
export function variablesReadBy(step: StepDefinition): ReadonlySet<string> {
  const read = new Set<string>()
  for (const { source } of expressionsOf(step)) {
    for (const { root, path } of referencesIn(source)) if (root === 'env' && path[0] !== undefined) read.add(path[0])
  }
  return read
}

const early: ReadonlySet<string> = new Set(['inputs', 'git', 'run'])

class ExpressionCheck {
  readonly inputs: string[]
  readonly steps: Map<string, StepDefinition>
  readonly report: Report
  readonly uses: StepUse[] = []
  private readonly inputNames: ReadonlySet<string>
  private readonly stepIds: readonly string[]
  private readonly hints = new Hints()
  /** The step whose commit `git` tells of. */
  private readonly checkout: string | undefined
  private readonly params: readonly string[] | undefined
  /** Something starts its runs that says what they are for. */
  private readonly hasOrigin: boolean
  /** What templates hand on, by their names. */
  private readonly templates: ReadonlyMap<string, readonly string[]>

  constructor(graph: PipelineGraph, report: Report, params: readonly string[] | undefined) {
    this.params = params
    this.templates = new Map(allTemplates(graph).map(({ name, outputs }) => [name, outputs.map((pair) => pair.name)]))
    this.inputs = graph.inputs.map((input) => input.name)
    this.inputNames = new Set(this.inputs)
    this.stepIds = graph.steps.map((step) => step.id)
    this.steps = new Map(graph.steps.map((step) => [step.id, step]))
    this.checkout = firstCheckout(graph)?.id
    const { push, pullRequest, comments, release } = graph.triggers ?? {}
    this.hasOrigin = Boolean(push || pullRequest || comments?.length || release)
    this.report = report
  }

  environment({ environment }: StepDefinition, site: Site): void {
    if (!environment) return
    this.text(environment.name, site)
    this.text(environment.url, { ...site, field: `${site.field}.url`, own: true })
  }

  value(value: JsonValue, site: Site): void {
    if (typeof value === 'string') this.text(value, site)
    else if (Array.isArray(value)) for (const item of value) this.value(item, site)
    else if (value !== null && typeof value === 'object') {
      for (const item of Object.values(value)) this.value(item, site)
    }
  }

  text(text: string, site: Site): void {
    if (!hasExpression(text)) return
    const { parts, error } = parseTemplate(text)
    if (error !== undefined) this.problem(site, 'expression', error)
    for (const part of parts) {
      if (part.kind === 'expression') this.expression(part.source, site)
    }
  }

  expression(source: string, site: Site): void {
    const { expression, error } = compileExpression(source)
    const param = this.params ? undefined : expression?.references.find(({ root }) => root === 'params')
    const problem = error ?? (param && foreignName(param.root, param.path))
    if (expression === undefined || problem !== undefined) {
      const shown = source.length > 120 ? `${source.slice(0, 119)}…` : source
      this.problem(site, 'expression', say('in_expression', { problem: problem!, source: shown }))
      return
    }
    if (expression.usesStatus && site.field !== 'when' && !site.field.endsWith('.if')) {
      this.problem(site, 'expression', say('expression_status'))
    }
    const meant = hyphenated(source).find(
      ({ written, path: [id] }) => written.startsWith('steps.') && this.isDashed(id),
    )
    if (meant !== undefined) {
      this.problem(site, 'expression', hyphenSaid(meant))
      return
    }
    for (const reference of expression.references) this.reference(reference, site)
  }

  reference({ root, path, dynamic }: Reference, site: Site): void {
    const [name, ...rest] = path
    if (triggerRoots.some((each) => each === root)) {
      this.problem(site, 'unknown_reference', say('trigger_root_only', { name: root }))
      return
    }
    if (site.early && !early.has(root)) {
      this.problem(site, 'unknown_reference', say('group_early', { root }))
      return
    }
    if (root === 'params') {
      this.paramReference(path, site)
      return
    }
    if (root === 'matrix' && (site.step?.matrix === undefined || site.field === 'matrix')) {
      this.problem(site, 'unknown_reference', say('matrix_absent', { name: 'matrix' }))
      return
    }
    if (root === 'git') {
      this.gitReference(path, site)
      return
    }
    if (root === 'steps') {
      this.stepReference(path, dynamic, site)
      return
    }
    if (name === undefined) return
    const full = [root, ...path].join('.')
    if (rest.length > 0) {
      this.problem(site, 'unknown_reference', say('single_value', { name: `${root}.${name}`, full }))
    } else if (root === 'inputs' && !this.inputNames.has(name)) {
      const hint = this.hints.suggestion(name, this.inputs)
      this.problem(site, 'unknown_reference', say('unknown_input', { name: shortText(name), ...hint }))
    } else if (root === 'matrix') {
      const names = matrixNames(site.step!.matrix!)
      if (names === undefined || names.has(name)) return
      const hint = suggestion(name, [...names])
      this.problem(site, 'unknown_reference', say('matrix_unknown', { name: shortText(name), ...hint }))
    } else if (root === 'env' && !site.env.has(name)) {
      const hint = this.hints.suggestion(name, [...site.env])
      this.problem(site, 'unknown_reference', say('unknown_variable', { name, ...hint }))
    } else if (root === 'run' && !contextFields[root].includes(name)) {
      const hint = suggestion(name, contextFields[root])
      this.problem(site, 'unknown_reference', say('unknown_part', { root, name: shortText(name), ...hint }))
    }
  }

  paramReference([name, ...rest]: readonly string[], site: Site): void {
    if (name === undefined) this.problem(site, 'unknown_reference', say('params_plain'))
    else if (rest.length > 0) {
      const full = ['params', name, ...rest].join('.')
      this.problem(site, 'unknown_reference', say('single_value', { name: `params.${name}`, full }))
    } else if (!this.params?.includes(name)) {
      const hint = this.hints.suggestion(name, this.params ?? [])
      this.problem(site, 'unknown_reference', say('unknown_param', { name: shortText(name), ...hint }))
    }
  }

  gitReference([name, ...rest]: readonly string[], site: Site): void {
    if (name === undefined) return
    const full = ['git', name, ...rest].join('.')
    if (!contextFields.git.includes(name)) {
      const hint = this.hints.suggestion(name, contextFields.git)
      this.problem(site, 'unknown_reference', say('unknown_part', { root: 'git', name: shortText(name), ...hint }))
    } else if (rest.length > 0) {
      this.problem(site, 'unknown_reference', say('single_value', { name: `git.${name}`, full }))
    } else if (site.early || this.hasOrigin) {
      // What the run is for, or empty: nothing has been fetched.
    } else if (this.checkout === undefined) {
      this.gitEmpty(site, name)
    } else if (site.step !== undefined && site.step.id !== this.checkout) {
      this.uses.push({ site, target: this.checkout, git: name })
    }
  }

  gitEmpty(site: Site, name: string): void {
    const waits = this.checkout && { key: site.step!.id, checkout: this.checkout }
    this.problem(site, 'git_empty', say('git_empty', { name: `git.${name}`, ...waits }), true)
  }

  stepReference(path: readonly string[], dynamic: boolean, site: Site): void {
    const [id, part, output, ...rest] = path
    const full = ['steps', ...path].join('.')
    if (id === undefined) {
      const said = dynamic ? say('step_computed', { example: 'steps["my-step"]' }) : say('step_unnamed')
      this.problem(site, 'unknown_reference', said)
      return
    }
    if (site.step === undefined && !site.atEnd) {
      this.problem(site, 'not_upstream', say('env_before_steps'))
      return
    }
    const step = this.steps.get(id)
    if (step === undefined) {
      const near = this.hints.near(id, this.stepIds)
      const dashed = near === undefined ? this.stepIds.find((each) => each.startsWith(`${id}-`)) : undefined
      const written = (key: string) => (key.includes('-') ? `steps[${JSON.stringify(key)}]` : `steps.${key}`)
      const hyphen = dashed && written(dashed)
      const said = say('unknown_step', { name: shortText(id), hyphen, near: near && written(near) })
      this.problem(site, 'unknown_reference', said)
      return
    }
    const isOwn = id === site.step?.id
    if (isOwn && !(site.own && part === 'outputs' && output !== undefined)) {
      this.problem(site, 'not_upstream', say('reads_itself', { key: id }))
      return
    }
    if (!site.atEnd && !isOwn) this.uses.push({ site, target: id })
    if (step.uses === 'template' && (part !== 'outputs' || output === undefined)) {
      this.problem(site, 'unknown_reference', say('template_part', { key: id }))
      return
    }
    if (part === undefined || part === 'status') {
      if (output !== undefined)
        this.problem(site, 'unknown_reference', say('status_word', { name: `steps.${id}.status`, full }))
      return
    }
    if (part !== 'outputs') {
      const hint = suggestion(part, ['outputs', 'status'])
      this.problem(site, 'unknown_reference', say('step_part', { name: shortText(part), ...hint }))
      return
    }
    if (output === undefined) return
    const known =
      step.uses === 'template' ? this.templates.get(String(step.with?.template)) : [...step.outputs, ...outputsOf(step)]
    // The template that is not there is said.
    if (known === undefined) return
    if (!known.includes(output) && !stepType(step.uses)?.openOutputs) {
      const hint = this.hints.suggestion(output, known)
      this.problem(site, 'unknown_output', say('unknown_output', { key: id, name: shortText(output), ...hint }))
    } else if (rest.length > 0) {
      this.problem(site, 'unknown_reference', say('output_text', { full }))
    }
  }

  /** Every step that is read must end before the reader: one bit for each step that is read, carried along the edges. */
  order(steps: readonly StepDefinition[]): void {
    if (this.uses.length === 0) return
    const bits = new Map<string, number>()
    for (const { target } of this.uses) if (!bits.has(target)) bits.set(target, bits.size)
    const words = Math.ceil(bits.size / 32)
    const reached = new Map<string, Uint32Array>()
    for (const step of topologicalOrder(steps)) {
      const set = new Uint32Array(words)
      for (const { stepId } of step.needs) {
        const before = reached.get(stepId)
        if (before === undefined) continue
        for (let i = 0; i < words; i++) set[i] = set[i]! | before[i]!
        const bit = bits.get(stepId)
        if (bit !== undefined) set[bit >>> 5] = set[bit >>> 5]! | (1 << (bit & 31))
      }
      reached.set(step.id, set)
    }
    for (const { site, target, git } of this.uses) {
      const set = reached.get(site.step!.id)
      // Steps on or behind a cycle have their own problem.
      if (set === undefined) continue
      const bit = bits.get(target)!
      if ((set[bit >>> 5]! & (1 << (bit & 31))) !== 0) continue
      if (git !== undefined) {
        this.gitEmpty(site, git)
        continue
      }
      this.problem(site, 'not_upstream', say('not_upstream', { key: site.step!.id, reads: target }))
    }
  }

  problem(site: Site, code: string, said: Said, warning = false): void {
    const finding: Finding = { code, said, field: site.field, ...(warning && { warning }) }
    if (site.step !== undefined) finding.stepId = site.step.id
    this.report(finding)
  }

  private isDashed(id: string | undefined): boolean {
    return id?.includes('-') === true && this.steps.has(id)
  }
}
