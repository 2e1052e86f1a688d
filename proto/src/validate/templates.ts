// Templates, the steps that use them, and what comes of both: each template is looked at as if it were a pipeline, and what is
// right so far once more as it is written out, because only there it is known what is read, needed and asked for together.
import type { PipelineGraph, StepDefinition, Template } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { type Need, NeedKind } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import { compileExpression, hasExpression } from '../expression.ts'
import { findCycle } from '../graph.ts'
import { writtenInputFindings } from '../inputs.ts'
import { limits } from '../limits.ts'
import { atOnce } from '../pieces.ts'
import { expressionsIn, expressionsOf, referencesIn } from '../step-expressions.ts'
import { suggestion } from '../suggest.ts'
import { allTemplates, clashesOf, isUnresolved, toldHere } from '../templates/included.ts'
import { type Origin, TooMuch, usesTemplates, type WrittenOut, writeOut } from '../templates/write-out.ts'
import { shortText, wayText } from '../texts/parts.ts'
import { say } from '../texts/say.ts'
import { checkInputs } from './fields.ts'
import type { Finding, Report } from './finding.ts'
import { checkSteps } from './steps.ts'
import type { AgentLabels } from './workspaces.ts'

type Templates = ReadonlyMap<string, Template>

export function checkTemplates(graph: PipelineGraph, tellHere: Report, agents?: AgentLabels): void {
  const report: Report = (finding) => tellHere(toldHere(finding, graph.included))
  // Else nobody has looked yet for what is included.
  const isWhole = !isUnresolved(graph)
  let isRight = isWhole
  const told = new Set<string>()
  const tell: Report = (finding) => {
    isRight &&= finding.warning === true
    told.add(placeOf(finding))
    report(finding)
  }
  const all = allTemplates(graph)
  const templates = new Map(all.map((template) => [template.name, template]))
  for (const clash of clashesOf(graph)) tell(clash)
  const isPlain = !usesTemplates(graph)
  // What `git` knows, and which agent has what, shows when all is written out.
  checkSteps(graph, isPlain ? tell : laterOnes(tell), isPlain ? agents : undefined)
  checkUses(graph.steps, templates, knownOnes(tell, isWhole))
  for (const template of all) checkTemplate(template, graph, templates, knownOnes(tell, isWhole))
  if (!checkNesting(graph, templates, tell)) return
  if (isWhole) checkUnused(graph, templates, report)
  if (!isRight || isPlain) return
  const out = writtenOut(graph, tell)
  if (!out) return
  const { graph: written, origins } = out
  for (const key of origins.keys()) checkKey(key, tell)
  if (!isRight) return
  checkEnvironments(written.steps, origins, tell)
  checkSteps(
    written,
    (finding) => {
      const found = asWritten(finding, origins)
      // Of a template that is used twice it is said once.
      if (found.code === 'step_id' || found.said.code === 'step_id' || told.has(placeOf(found))) return
      told.add(placeOf(found))
      report(found)
    },
    agents,
  )
}

function writtenOut(graph: PipelineGraph, report: Report): WrittenOut | undefined {
  try {
    return atOnce(writeOut(graph))
  } catch (thrown) {
    if (!(thrown instanceof TooMuch)) throw thrown
    report({ field: 'templates', code: 'limit', said: thrown.said })
    return undefined
  }
}

function placeOf({ code, said, stepId = '', field = '' }: Finding): string {
  return [code ?? said.code, stepId, field].join('\n')
}

function knownOnes(report: Report, isWhole: boolean): Report {
  return (finding) => {
    if (isWhole || finding.said.code !== 'template_unknown') report(finding)
  }
}

function laterOnes(report: Report): Report {
  return (finding) => {
    if (finding.code !== 'git_empty') report(finding)
  }
}

/** A finding about a step of a run, where its template says it. */
function asWritten(finding: Finding, origins: ReadonlyMap<string, Origin>): Finding {
  const origin = origins.get(finding.stepId ?? '')
  if (origin === undefined) return finding
  const { stepId: _, field = '', ...rest } = finding
  return { ...rest, field: fieldOf(origin.template, origin.step.id, field) }
}

function fieldOf(template: string, step: string, field: string): string {
  return ['templates', template, 'steps', step, ...(field === '' ? [] : [field])].join('.')
}

function checkTemplate(template: Template, graph: PipelineGraph, templates: Templates, report: Report): void {
  const { name, params, steps, outputs } = template
  const at = `templates.${name}`
  if (steps.length === 0) report({ field: at, said: say('template_empty', { name: shortText(name) }) })
  checkInputs(params, `${at}.params`, report)
  const within: Report = ({ stepId, field = '', ...finding }) => {
    if (stepId !== undefined) report({ ...finding, field: fieldOf(name, stepId, field) })
    // What the pipeline says itself is looked at there.
    else if (/^(outputs|steps)\b/.test(field)) report({ ...finding, field: `${at}.${field}` })
  }
  const { concurrency: _, ...around } = graph
  checkSteps(
    { ...around, steps, outputs },
    laterOnes(within),
    undefined,
    params.map((param) => param.name),
  )
  checkUses(steps, templates, within)
}

/** The steps that use templates, and needs of them. */
function checkUses(steps: readonly StepDefinition[], templates: Templates, report: Report): void {
  const together = new Set(steps.filter(({ uses }) => uses === 'template').map(({ id }) => id))
  if (together.size === 0) return
  for (const step of steps) {
    if (together.has(step.id)) checkUse(step, templates, report)
    for (const need of step.needs) checkNeed(step, need, together, report)
  }
}

function checkNeed(step: StepDefinition, { stepId, kind }: Need, together: ReadonlySet<string>, report: Report): void {
  if (kind !== NeedKind.FAILURE || !together.has(stepId)) return
  report({ stepId: step.id, field: `needs.${stepId}`, said: say('template_failure', { need: stepId }) })
}

function checkUse(step: StepDefinition, templates: Templates, report: Report): void {
  const { id: stepId, with: given = {} } = step
  const { template: name, params = {} } = given
  if (typeof name !== 'string' || name === '') return
  const at = { stepId, field: 'with.template' }
  if (hasExpression(name)) {
    report({ ...at, said: say('template_computed') })
    return
  }
  const template = templates.get(name)
  if (template === undefined) {
    report({
      ...at,
      said: say('template_unknown', { name: shortText(name), ...suggestion(name, [...templates.keys()]) }),
    })
    return
  }
  if (typeof params !== 'object' || params === null || Array.isArray(params)) return
  checkGiven(stepId, template, params, report)
  checkWhen(step, template, templates, report)
  const own = new Set(step.env.map((pair) => pair.name))
  const read = environmentOf([...expressionsIn('', params as JsonValue)].map(({ source }) => source))
  const variable = [...read].find((each) => own.has(each))
  if (variable !== undefined) {
    report({ stepId, field: 'with.params', said: say('template_own_env', { name: variable }) })
  }
}

function checkGiven(stepId: string, { name: template, params }: Template, given: JsonObject, report: Report): void {
  const known = new Set(params.map((param) => param.name))
  const field = (name: string) => `with.params.${name}`
  for (const name of Object.keys(given)) {
    if (known.has(name)) continue
    const said = say('template_param', { template, name: shortText(name), ...suggestion(name, [...known]) })
    report({ stepId, field: field(name), said })
  }
  const named = Object.fromEntries(Object.entries(given).filter(([name]) => known.has(name)))
  for (const { name, said } of writtenInputFindings(params, named)) {
    const isMissing = !Object.hasOwn(given, name) || given[name] === null
    report({
      stepId,
      field: isMissing ? 'with.params' : field(name),
      code: 'template_value',
      said: isMissing ? say('template_missing', { template, name }) : say('template_value', { name, problem: said }),
    })
  }
}

/** Whether it can be written out: no cycle, not too deep, not too many steps. */
function checkNesting(graph: PipelineGraph, templates: Templates, report: Report): boolean {
  const uses = new Map(
    [...templates.values()].map(({ name, steps }) => [name, namesOf(steps).filter((each) => templates.has(each))]),
  )
  const edges = [...uses].map(([id, names]) => ({ id, needs: [...new Set(names)].map((stepId) => ({ stepId })) }))
  const cycle = findCycle(edges)
  if (cycle !== null) {
    report({ field: `templates.${cycle[0]}`, said: say('template_cycle', { path: wayText(cycle.reverse()) }) })
    return false
  }
  const depths = new Map<string, string[]>()
  const pathOf = (name: string): string[] => {
    const known = depths.get(name)
    if (known !== undefined) return known
    const below = (uses.get(name) ?? []).map(pathOf)
    const deepest = below.reduce<string[]>((a, b) => (b.length > a.length ? b : a), [])
    depths.set(name, [name, ...deepest])
    return depths.get(name)!
  }
  const counts = new Map<string, number>()
  const sizeOf = (steps: readonly StepDefinition[]): number =>
    steps.reduce(
      (sum, { uses: type, with: given }) => sum + (type === 'template' ? countOf(String(given?.template)) : 1),
      0,
    )
  const countOf = (name: string): number => {
    const known = counts.get(name) ?? sizeOf(templates.get(name)?.steps ?? [])
    counts.set(name, known)
    return known
  }
  for (const name of templates.keys()) {
    const path = pathOf(name)
    if (path.length <= limits.templateDepth) continue
    const said = say('template_deep', { path: wayText(path), most: limits.templateDepth })
    report({ field: `templates.${name}`, said })
    return false
  }
  const count = sizeOf(graph.steps)
  if (count <= limits.steps) return true
  const largest = graph.steps
    .filter(({ uses: type }) => type === 'template')
    .sort((a, b) => sizeOf([b]) - sizeOf([a]))[0]!
  const said = say('template_steps', { count, most: limits.steps, key: largest.id })
  report({ stepId: largest.id, field: 'with.template', code: 'limit', said })
  return false
}

function namesOf(steps: readonly StepDefinition[]): string[] {
  return steps.flatMap(({ uses, with: given }) => (uses === 'template' ? [String(given?.template)] : []))
}

function checkUnused({ steps, templates: own }: PipelineGraph, templates: Templates, report: Report): void {
  const used = new Set<string>()
  for (const queue = namesOf(steps); queue.length > 0; ) {
    const name = queue.pop()!
    if (used.has(name)) continue
    used.add(name)
    queue.push(...namesOf(templates.get(name)?.steps ?? []))
  }
  for (const { name } of own) {
    if (used.has(name)) continue
    report({ field: `templates.${name}`, said: say('template_unused', { name: shortText(name) }), warning: true })
  }
}

function checkKey(key: string, report: Report): void {
  if (key.length <= limits.stepKey) return
  const said = say('template_key', { key, most: limits.stepKey })
  report({ stepId: key.slice(0, key.indexOf('/')), field: 'with.template', said })
}

/** A condition that asks how the needs ended speaks to the first steps; no other may run whatever became of those. */
function checkWhen(step: StepDefinition, template: Template, templates: Templates, report: Report): void {
  if (!asksHowNeedsEnded(step.when)) return
  const decider = deciderIn(template, true, templates)
  if (decider) report({ stepId: step.id, field: 'when', said: say('template_when', { key: decider.id }) })
}

function deciderIn(template: Template, isFirst: boolean, templates: Templates, depth = 0): StepDefinition | undefined {
  for (const step of template.steps) {
    const first = isFirst && step.needs.length === 0
    if (!first && (asksHowNeedsEnded(step.when) || step.needs.some(({ kind }) => kind === NeedKind.ALWAYS))) return step
    const inner = step.uses === 'template' ? templates.get(String(step.with?.template)) : undefined
    const found = inner && depth < limits.templateDepth ? deciderIn(inner, first, templates, depth + 1) : undefined
    if (found) return found
  }
  return undefined
}

function asksHowNeedsEnded(when: string): boolean {
  return when !== '' && compileExpression(when).expression?.usesStatus === true
}

/** A variable that is read in what a step is given must not be another one inside. */
function checkEnvironments(
  steps: readonly StepDefinition[],
  origins: ReadonlyMap<string, Origin>,
  report: Report,
): void {
  for (const step of steps) {
    const origin = origins.get(step.id)
    if (origin === undefined || origin.step.env.length === 0) continue
    const own = new Set(origin.step.env.map(({ name }) => name))
    const before = environmentOf([...expressionsOf(origin.step)].map(({ source }) => source))
    const after = environmentOf([...expressionsOf(step)].map(({ source }) => source))
    const name = [...after].find((each) => own.has(each) && !before.has(each))
    if (name === undefined) continue
    const field = fieldOf(origin.template, origin.step.id, `env.${name}`)
    report({ field, said: say('template_inner_env', { name, key: step.id }) })
  }
}

function environmentOf(sources: readonly string[]): Set<string> {
  const read = new Set<string>()
  for (const source of sources) {
    for (const { root, path } of referencesIn(source)) if (root === 'env' && path[0] !== undefined) read.add(path[0])
  }
  return read
}
