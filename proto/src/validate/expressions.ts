// Expressions of a pipeline: that they parse, and that what they refer to exists and is there by then.
import type { PipelineGraph, StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { JsonValue } from '@bufbuild/protobuf'
import { compileExpression, contextFields, hasExpression, parseTemplate, type Reference } from '../expression.ts'
import { configFields } from '../fields/step-fields.ts'
import { firstCheckout, topologicalOrder } from '../graph.ts'
import { outputsOf } from '../steps/index.ts'
import { Hints, suggestion } from '../suggest.ts'
import type { Finding, Report } from './finding.ts'

/** Where an expression stands, and which variables it may read there. */
interface Site {
  step: StepDefinition | undefined
  field: string
  env: ReadonlySet<string>
}

interface StepUse {
  site: Site
  target: string
  /** What is read of what that step fetched, which the run's origin may say as well. */
  git?: string
}

export function checkExpressions(graph: PipelineGraph, report: Report): void {
  const check = new ExpressionCheck(graph, report)
  const none = new Set<string>()
  const global = new Set(graph.env.map((pair) => pair.name))
  for (const { name, value } of graph.env) check.text(value, { step: undefined, field: `env.${name}`, env: none })
  for (const step of graph.steps) {
    const all = step.env.length === 0 ? global : new Set([...global, ...step.env.map((pair) => pair.name)])
    for (const { key, of, kind } of configFields) {
      const value = step[of] as JsonValue
      const site = { step, field: key, env: all }
      if (kind.expressions === 'condition' && value !== '') check.expression(value as string, site)
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

  constructor(graph: PipelineGraph, report: Report) {
    this.inputs = graph.inputs.map((input) => input.name)
    this.inputNames = new Set(this.inputs)
    this.stepIds = graph.steps.map((step) => step.id)
    this.steps = new Map(graph.steps.map((step) => [step.id, step]))
    this.checkout = firstCheckout(graph)?.id
    this.report = report
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
    if (expression === undefined) {
      this.problem(site, 'expression', `${error} In \`${source.length > 120 ? `${source.slice(0, 119)}…` : source}\`.`)
      return
    }
    if (expression.usesStatus && site.field !== 'when' && !site.field.endsWith('.if')) {
      const message = 'success(), failure(), always() and canceled() are for `when` and the `if` of a need only.'
      this.problem(site, 'expression', message)
    }
    for (const reference of expression.references) this.reference(reference, site)
  }

  reference({ root, path, dynamic }: Reference, site: Site): void {
    const [name, ...rest] = path
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
      this.problem(site, 'unknown_reference', `${root}.${name} is a single value; there is no ${full}.`, full)
    } else if (root === 'inputs' && !this.inputNames.has(name)) {
      const hint = this.hints.suggestion(name, this.inputs)
      this.problem(site, 'unknown_reference', `The pipeline has no input ${JSON.stringify(name)}.${hint}`, full)
    } else if (root === 'env' && !site.env.has(name)) {
      const hint = this.hints.suggestion(name, [...site.env])
      const message = `No variable ${JSON.stringify(name)} is set in env here.${hint} A script reads the agent's own variables as $${name}.`
      this.problem(site, 'unknown_reference', message, full)
    } else if (root === 'run' && !contextFields[root].includes(name)) {
      const hint = suggestion(name, contextFields[root])
      this.problem(site, 'unknown_reference', `${root} has no ${JSON.stringify(name)}.${hint}`, full)
    }
  }

  gitReference([name, ...rest]: readonly string[], site: Site): void {
    if (name === undefined) return
    const full = ['git', name, ...rest].join('.')
    if (!contextFields.git.includes(name)) {
      const hint = this.hints.suggestion(name, contextFields.git)
      this.problem(site, 'unknown_reference', `git has no ${JSON.stringify(name)}.${hint}`, full)
    } else if (rest.length > 0) {
      this.problem(site, 'unknown_reference', `git.${name} is a single value; there is no ${full}.`, full)
    } else if (this.checkout === undefined) {
      this.gitEmpty(site, name)
    } else if (site.step !== undefined && site.step.id !== this.checkout) {
      this.uses.push({ site, target: this.checkout, git: name })
    }
  }

  gitEmpty(site: Site, name: string): void {
    const why =
      this.checkout === undefined
        ? 'no step fetches code'
        : `${site.step!.id} does not wait for ${this.checkout}, which fetches the code`
    const message = `git.${name} is empty here unless whoever starts the run says what it is for: ${why}.`
    this.problem(site, 'git_empty', message, `git.${name}`, true)
  }

  stepReference(path: readonly string[], dynamic: boolean, site: Site): void {
    const [id, part, output, ...rest] = path
    const full = ['steps', ...path].join('.')
    if (id === undefined) {
      const message = dynamic
        ? 'Name the step literally, as in steps.build or steps["my-step"]: what an expression reads must be known before the run.'
        : 'Read one step at a time, as in steps.build.status or steps.build.outputs.name.'
      this.problem(site, 'unknown_reference', message, full)
      return
    }
    if (site.step === undefined) {
      this.problem(
        site,
        'not_upstream',
        'The pipeline’s env is set before any step runs, so it cannot read steps.',
        full,
      )
      return
    }
    const step = this.steps.get(id)
    if (step === undefined) {
      const near = this.hints.near(id, this.stepIds)
      const dashed = near === undefined ? this.stepIds.find((each) => each.startsWith(`${id}-`)) : undefined
      const hint =
        dashed !== undefined
          ? ` For an id with a hyphen write steps[${JSON.stringify(dashed)}].`
          : near === undefined
            ? ''
            : ` Did you mean ${near.includes('-') ? `steps[${JSON.stringify(near)}]` : `steps.${near}`}?`
      this.problem(site, 'unknown_reference', `There is no step ${JSON.stringify(id)}.${hint}`, full)
      return
    }
    if (id === site.step.id) {
      this.problem(site, 'not_upstream', `${id} cannot read itself: it has not run yet.`, full)
      return
    }
    this.uses.push({ site, target: id })
    if (part === undefined || part === 'status') {
      if (output !== undefined)
        this.problem(site, 'unknown_reference', `steps.${id}.status is a word; there is no ${full}.`, full)
      return
    }
    if (part !== 'outputs') {
      const hint = suggestion(part, ['outputs', 'status'])
      this.problem(
        site,
        'unknown_reference',
        `A step has outputs and status, not ${JSON.stringify(part)}.${hint}`,
        full,
      )
      return
    }
    if (output === undefined) return
    const known = [...step.outputs, ...outputsOf(step)]
    if (!known.includes(output)) {
      const message = `${id} declares no output ${JSON.stringify(output)}.${this.hints.suggestion(output, known)} Add it to the step's outputs.`
      this.problem(site, 'unknown_output', message, full)
    } else if (rest.length > 0) {
      this.problem(site, 'unknown_reference', `Outputs are text; there is no ${full}.`, full)
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
      const message = `${site.step!.id} reads ${target}, which may not have run by then. Add ${target} to its needs.`
      this.problem(site, 'not_upstream', message, target)
    }
  }

  problem(site: Site, code: string, message: string, reference?: string, warning = false): void {
    const finding: Finding = { code, message, field: site.field, ...(warning && { warning }) }
    if (site.step !== undefined) finding.stepId = site.step.id
    if (reference !== undefined) finding.params = { reference }
    this.report(finding)
  }
}
