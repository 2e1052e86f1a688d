// A pipeline without templates that does what one with them says: in the place of each step that uses one stand its steps, as
// somebody would write them by hand. Everything that runs, explains or shows a run knows only these.
import type {
  InputDefinition,
  Need,
  PipelineGraph,
  StepDefinition,
  Template,
} from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import { inherited, withDefaults } from '../defaults.ts'
import { compileExpression, toText } from '../expression.ts'
import { configFields } from '../fields/step-fields.ts'
import { resolveInputs } from '../inputs.ts'
import { limits } from '../limits.ts'
import { type Param, paramOf, stepType } from '../steps/index.ts'
import { type Said, say } from '../texts/say.ts'
import { allTemplates, usesOfIncluded } from './included.ts'
import { celOf, celOfParam, celOfText, type Names, rewriteExpression, rewriteText, rewriteValue } from './rewrite.ts'

/** Where a step of a run is written. */
export interface Origin {
  template: string
  step: StepDefinition
}

export interface WrittenOut {
  graph: PipelineGraph
  /** By the keys of the steps that templates brought. */
  origins: ReadonlyMap<string, Origin>
}

export function usesTemplates({ steps }: Pick<PipelineGraph, 'steps'>): boolean {
  return steps.some(({ uses }) => uses === 'template')
}

/** What runs: no templates, and each step with what it inherits. Yields now and then. The graph has to be valid: else it may throw. */
export function* runnable(graph: PipelineGraph): Generator<void, PipelineGraph> {
  return withDefaults((yield* writeOut(graph)).graph)
}

export function* writeOut(graph: PipelineGraph): Generator<void, WrittenOut> {
  const origins = new Map<string, Origin>()
  if (!usesTemplates(graph)) return { graph: { ...graph, ...noTemplates }, origins }
  const writing: Writing = {
    templates: new Map(allTemplates(graph).map((each) => [each.name, each])),
    steps: [],
    origins,
    needs: 0,
    characters: 0,
    sizes: new Map(),
  }
  const scope = new Scope(writing, '', graph.steps)
  yield* write(scope)
  const outputs = graph.outputs.map((pair) => ({ ...pair, value: toText(rewriteText(pair.value, scope, false)) }))
  const templateUses = usesOfIncluded(graph, scope.used())
  return { graph: { ...graph, steps: writing.steps, outputs, ...noTemplates, templateUses }, origins }
}

const noTemplates = { templates: [], include: [], included: [] }

/** What is written out would be more than anybody says by hand. */
export class TooMuch extends Error {
  readonly said: Said

  constructor(said: Said) {
    super(`templates: ${said.code}`)
    this.said = said
  }
}

interface Writing {
  templates: ReadonlyMap<string, Template>
  steps: StepDefinition[]
  origins: Map<string, Origin>
  /** Of all steps so far. */
  needs: number
  characters: number
  /** Characters of a step as the file says it. */
  sizes: Map<StepDefinition, number>
}

/** Before it is made: templates in templates multiply, and so do their needs and their texts. */
function weigh(writing: Writing, key: string, { needs = 0, characters = 0 }): void {
  writing.needs += needs
  writing.characters += characters
  if (writing.needs > limits.templateNeeds)
    throw new TooMuch(say('template_needs', { most: limits.templateNeeds, key }))
  if (writing.characters > limits.templateSize)
    throw new TooMuch(say('template_size', { most: limits.templateSize / 1024 / 1024, key }))
}

function sizeOf(writing: Writing, step: StepDefinition): number {
  let size = writing.sizes.get(step)
  if (size === undefined) {
    size = JSON.stringify([step.with, step.env, step.name, step.when, step.matrix]).length
    writing.sizes.set(step, size)
  }
  return size
}

/** The steps of the pipeline, or those of a template for one step that uses it. */
class Scope implements Names {
  readonly writing: Writing
  /** Stands before the keys of its steps. */
  readonly prefix: string
  readonly steps: readonly StepDefinition[]
  readonly template: Template | undefined
  private readonly params: ReadonlyMap<string, string>
  private readonly byId: ReadonlyMap<string, StepDefinition>
  private readonly scopes = new Map<string, Scope>()
  private last: readonly string[] | undefined

  constructor(
    writing: Writing,
    prefix: string,
    steps: readonly StepDefinition[],
    template?: Template,
    params: ReadonlyMap<string, string> = new Map(),
  ) {
    this.writing = writing
    this.prefix = prefix
    this.steps = steps
    this.template = template
    this.params = params
    this.byId = new Map(steps.map((step) => [step.id, step]))
  }

  param(name: string): string | undefined {
    const value = this.params.get(name)
    if (value !== undefined) weigh(this.writing, this.prefix.slice(0, -1), { characters: value.length })
    return value
  }

  step(id: string): string | undefined {
    return this.prefix !== '' && this.byId.has(id) ? this.prefix + id : undefined
  }

  output(id: string, name: string): string | undefined {
    const inner = this.inside(id)
    const value = inner?.template?.outputs.find((pair) => pair.name === name)?.value
    if (value === undefined) return undefined
    const written = celOfText(toText(rewriteText(value, inner!, false)))
    weigh(this.writing, this.prefix + id, { characters: written.length })
    return written
  }

  /** What a step stands for; undefined: itself. */
  inside(id: string): Scope | undefined {
    const step = this.byId.get(id)
    if (step?.uses !== 'template') return undefined
    let scope = this.scopes.get(id)
    if (scope === undefined) {
      if (this.prefix.split('/').length > limits.templateDepth)
        throw new Error(`templates stand in each other at ${id}`)
      const name = String(step.with?.template)
      const template = this.writing.templates.get(name)
      if (template === undefined) throw new Error(`there is no template ${JSON.stringify(name)}`)
      const given = rewriteValue(step.with?.params ?? {}, this) as JsonObject
      scope = new Scope(
        this.writing,
        `${this.prefix}${id}/`,
        template.steps,
        template,
        paramsOf(template.params, given),
      )
      this.scopes.set(id, scope)
    }
    return scope
  }

  /** What stands for templates in it, by the keys that their steps begin with. */
  *used(): Generator<{ key: string; template: string }> {
    for (const scope of this.scopes.values()) {
      yield { key: scope.prefix.slice(0, -1), template: scope.template!.name }
      yield* scope.used()
    }
  }

  /** Those that wait for the step wait for these. */
  ends(id: string): readonly string[] {
    return this.inside(id)?.lastSteps() ?? [this.prefix + id]
  }

  private lastSteps(): readonly string[] {
    if (this.last === undefined) {
      const needed = new Set(this.steps.flatMap(({ needs }) => needs.map(({ stepId }) => stepId)))
      this.last = this.steps.filter((step) => !needed.has(step.id)).flatMap((step) => this.ends(step.id))
      if (this.last.length > limits.steps) throw tooMany()
    }
    return this.last
  }
}

function paramsOf(definitions: readonly InputDefinition[], given: JsonObject): Map<string, string> {
  const { values } = resolveInputs(definitions, {})
  return new Map(
    definitions.map((definition) => {
      const { name } = definition
      const value = Object.hasOwn(given, name) ? given[name] : undefined
      return [name, value === undefined || value === null ? celOf(values[name]!) : celOfParam(definition, value)]
    }),
  )
}

/** `outer`: the step that stands for them, as it is written out itself. */
function* write(scope: Scope, outer?: StepDefinition): Generator<void> {
  const { writing, prefix, template } = scope
  for (const step of scope.steps) {
    yield
    const id = prefix + step.id
    weigh(writing, id, { characters: sizeOf(writing, step) })
    const needs = step.needs.flatMap((need): Need[] => {
      const condition = rewriteExpression(need.condition, scope)
      const ends = scope.ends(need.stepId)
      weigh(writing, id, { needs: ends.length })
      return ends.map((stepId) => ({ ...need, stepId, condition }))
    })
    if (outer && step.needs.length === 0) weigh(writing, id, { needs: outer.needs.length })
    let written: StepDefinition = { ...rewriteStep(step, scope), id, needs }
    if (outer) written = under(written, outer, { isFirst: step.needs.length === 0, own: step.id })
    if (template) {
      const { position: _, ...placeless } = written
      written = { ...placeless, nodeId: '' }
      writing.origins.set(id, { template: template.name, step })
    }
    const inner = scope.inside(step.id)
    if (inner) yield* write(inner, written)
    else if (writing.steps.push(written) > limits.steps) throw tooMany()
  }
}

function tooMany(): Error {
  return new Error(`templates stand for more than ${limits.steps} steps`)
}

function rewriteStep(step: StepDefinition, names: Names): StepDefinition {
  const text = (value: string) => toText(rewriteText(value, names, true))
  const result: StepDefinition = {
    ...step,
    name: text(step.name),
    env: step.env.map((pair) => ({ ...pair, value: text(pair.value) })),
  }
  for (const { of, kind } of configFields) {
    const value = step[of]
    if (kind.expressions === 'condition') Object.assign(result, { [of]: rewriteExpression(value as string, names) })
    else if (kind.expressions === 'template') {
      // A matrix and a timeout are read by whether there is an expression.
      const isList = kind.name === 'words'
      const found = isList ? (value as string[]).map((each) => toText(rewriteText(each, names, true))) : undefined
      Object.assign(result, {
        [of]: found ?? (kind.name === 'text' ? text(value as string) : rewriteValue(value, names)),
      })
    }
  }
  if (step.with !== undefined) {
    const type = stepType(step.uses)
    const params = Object.entries(step.with).map(([name, value]) => {
      return [name, rewriteParam(value as JsonValue, paramOf(type, name), names)]
    })
    result.with = Object.fromEntries(params) as JsonObject
  }
  return result
}

function rewriteParam(value: JsonValue, param: Param | undefined, names: Names): JsonValue {
  const isOne = param?.type !== 'object' && param?.type !== 'array' && param?.['x-widget'] !== 'script'
  if (typeof value !== 'string' || !isOne) return rewriteValue(value, names) as JsonValue
  const known = rewriteText(value, names, true)
  return param?.type === 'string' ? toText(known) : known
}

/** A step of a template with what the step says that stands for it. */
function under(step: StepDefinition, outer: StepDefinition, at: { isFirst: boolean; own: string }): StepDefinition {
  const result = inherited(step, outer)
  result.disabled ||= outer.disabled
  if (step.name !== '' || outer.name !== '') result.name = `${outer.name || outer.id} / ${step.name || at.own}`
  if (at.isFirst) result.needs = [...outer.needs, ...result.needs]
  // How the needs ended is asked of those that have them.
  const asks = at.isFirst || !compileExpression(outer.when || 'true').expression?.usesStatus
  if (asks && outer.when !== '') result.when = step.when === '' ? outer.when : `(${outer.when}) && (${step.when})`
  return result
}
