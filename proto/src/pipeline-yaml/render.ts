// Graph → text. With a source, the source changed where it says something else; without, the house style.
import type { PipelineGraph, StepDefinition, Triggers } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { type Document, isAlias, isMap, isScalar, isSeq, visit, type YAMLMap } from 'yaml'
import { canonicalGraph, canonicalTriggers, stableJson } from '../canonical.ts'
import { scheduleName } from '../fields/schedules.ts'
import { stepFields } from '../fields/step-fields.ts'
import { styleKey } from '../fields/templates.ts'
import { actionEntries } from './action-keys.ts'
import { type FileComments, withComments } from './comments.ts'
import { parseText } from './document.ts'
import { type ReadPipeline, readPipeline } from './parse.ts'
import { patchEdits } from './patch.ts'
import { mergeKey, scalarText } from './reader.ts'
import { renames } from './rename.ts'
import { reorder } from './reorder.ts'
import { pairKey, pairOf, Source } from './source.ts'
import { newStyle, type StepStyle, stepTree } from './step-tree.ts'
import { prettyPipeline } from './text.ts'
import { pipelineTree } from './tree.ts'
import { isMapTree, type Tree, type TreeMap } from './tree-value.ts'

/**
 * The file that says `graph`. A source that says it already is returned as it is; else only the lines that say something
 * else are changed, and comments, order and quotes of all others stay.
 *
 * A comment belongs to the entry below it: it moves with it, also under another key, and goes with it. What `renames` does
 * not know again under another id is a new step, so the comments of the old one go. Comments between the items of a list
 * go when those change their order; and a text written too unusually to be changed in part is written anew, without any.
 */
export function renderPipeline(graph: PipelineGraph, source?: string, comments?: FileComments): string {
  const text = renderText(graph, source)
  if (!comments || comments.size === 0) return text
  const commented = withComments(text, comments)
  return commented === text || says(commented, canonicalGraph(graph)) ? commented : text
}

function renderText(graph: PipelineGraph, source: string | undefined): string {
  if (source === undefined || source.trim() === '') return prettyPipeline(graph)
  const wanted = canonicalGraph(graph)
  const read = readPipeline(source)
  if (read.document === undefined) return prettyPipeline(graph)
  if (canonicalGraph(read.graph) === wanted) return source
  const result = patched(graph, source, read, wanted)
  if (result !== undefined) return result
  const plain = withoutAliases(source)
  return patched(graph, plain, readPipeline(plain), wanted) ?? prettyPipeline(graph)
}

/** Undefined when the result would not say the graph: then the text is written too unusually to be patched. */
function patched(graph: PipelineGraph, text: string, read: ReadPipeline, wanted: string): string | undefined {
  const { document, graph: said } = read
  if (document === undefined) return undefined
  const source = new Source(text, document)
  const target = inOrderOf(graph, said)
  const styles = stepStyles(source, said, target)
  return patchedTree(source, pipelineTree(said, styles), pipelineTree(target, styles), (result) => says(result, wanted))
}

/** The text, which says `before`, with the smallest change after which it `says` what it should. */
export function patchedTree(
  source: Source,
  before: TreeMap,
  after: TreeMap,
  says: (text: string) => boolean,
): string | undefined {
  try {
    const result = source.apply(patchEdits(source, before, after))
    return says(result) ? result : reordered(result, after, says)
  } catch {
    return undefined
  }
}

function reordered(text: string, tree: TreeMap, says: (text: string) => boolean): string | undefined {
  const orders: [path: string[], order: string[]][] = [
    [['inputs'], keysOf(tree.get('inputs'))],
    [['steps'], keysOf(tree.get('steps'))],
  ]
  const templates = tree.get('templates')
  for (const [name, template] of isMapTree(templates) ? templates : []) {
    if (!isMapTree(template)) continue
    for (const part of ['params', 'steps']) orders.push([['templates', name, part], keysOf(template.get(part))])
  }
  let result = text
  for (const [path, order] of orders) result = reorder(new Source(result, documentOf(result)), path, order)
  return says(result) ? result : undefined
}

function keysOf(tree: Tree | undefined): string[] {
  return isMapTree(tree) ? [...tree.keys()] : []
}

function documentOf(text: string): Document.Parsed {
  const { document } = parseText(text)
  if (document === undefined) throw new Error('the text is no YAML')
  return document
}

function says(text: string, wanted: string): boolean {
  const { document, graph } = readPipeline(text)
  return document !== undefined && canonicalGraph(graph) === wanted
}

/** Sets such as needs and env have no order of their own: what is there keeps its place. */
function inOrderOf(graph: PipelineGraph, said: PipelineGraph): PipelineGraph {
  const env = ordered(graph.env, said.env, (pair) => pair.name)
  const triggers = sameTriggers(graph, said) ? said.triggers : triggersInOrderOf(graph.triggers, said.triggers)
  const steps = stepsInOrderOf(graph.steps, said.steps, graph)
  const old = new Map(said.templates.map((template) => [template.name, template]))
  const templates = ordered(graph.templates, said.templates, ({ name }) => name).map((template) => {
    const before = old.get(template.name)
    if (before === undefined) return template
    const outputs = ordered(template.outputs, before.outputs, (pair) => pair.name)
    return { ...template, outputs, steps: stepsInOrderOf(template.steps, before.steps, graph) }
  })
  return { ...graph, env, steps, triggers, templates }
}

function stepsInOrderOf(
  steps: readonly StepDefinition[],
  said: readonly StepDefinition[],
  { defaults }: PipelineGraph,
): StepDefinition[] {
  const known = new Map(said.map((step) => [step.id, step]))
  return steps.map((step) => {
    const old = known.get(step.id)
    if (old === undefined) return step
    const like = stepInOrderOf(step, old)
    // Where there are defaults, what is usual means something.
    return defaults ? { ...like, workspace: step.workspace } : like
  })
}

function sameTriggers(a: PipelineGraph, b: PipelineGraph): boolean {
  return stableJson(canonicalTriggers(a)) === stableJson(canonicalTriggers(b))
}

function triggersInOrderOf(triggers: Triggers | undefined, old: Triggers | undefined): Triggers | undefined {
  return triggers && { ...triggers, schedules: ordered(triggers.schedules, old?.schedules ?? [], scheduleName) }
}

function stepInOrderOf(step: StepDefinition, old: StepDefinition): StepDefinition {
  const same = (word: string) => word
  const order = old.retry?.on ?? []
  return {
    ...step,
    needs: ordered(step.needs, old.needs, (need) => need.stepId),
    env: ordered(step.env, old.env, (pair) => pair.name),
    secrets: ordered(step.secrets, old.secrets, same),
    outputs: ordered(step.outputs, old.outputs, same),
    runsOn: ordered(step.runsOn, old.runsOn, same),
    workspace: (step.workspace || 'shared') === (old.workspace || 'shared') ? old.workspace : step.workspace,
    ...(step.retry === undefined ? {} : { retry: { ...step.retry, on: ordered(step.retry.on, order, String) } }),
  }
}

function ordered<T>(items: readonly T[], like: readonly T[], key: (item: T) => string): T[] {
  const rank = new Map(like.map((item, i) => [key(item), i]))
  return items
    .map((item, i) => ({ item, rank: rank.get(key(item)) ?? like.length + i }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item)
}

/** How the source writes each step; a step that was renamed is written as before. */
export function stepStyles(source: Source, said: PipelineGraph, target: PipelineGraph): Map<string, StepStyle> {
  const root = source.document.contents
  if (!isMap(root)) return new Map()
  const styles = stylesIn(pairOf(root, 'steps')?.value)
  const templates = pairOf(root, 'templates')?.value
  for (const pair of isMap(templates) ? templates.items : []) {
    const name = pairKey(pair) ?? ''
    const steps = isMap(pair.value) ? pairOf(pair.value, 'steps')?.value : undefined
    for (const [id, style] of stylesIn(steps)) styles.set(styleKey(name, id), style)
  }
  for (const [from, to] of renames(plainSteps(said), plainSteps(target))) {
    const style = styles.get(from)
    if (style !== undefined) styles.set(to, style)
  }
  return styles
}

function stylesIn(steps: unknown): Map<string, StepStyle> {
  const styles = new Map<string, StepStyle>()
  if (!isMap(steps)) return styles
  for (const pair of steps.items) {
    const id = pairKey(pair)
    if (id === undefined || !isMap(pair.value)) continue
    const step = pair.value
    const params = pairOf(step, 'with')?.value
    const when = pairOf(step, 'when')?.value
    const run = pairOf(step, 'run') !== undefined
    styles.set(id, {
      run: run || pairOf(step, 'uses') === undefined,
      short: new Set(actionEntries.flatMap(([key, param]) => (has(params, param) ? [] : [key]))),
      aliases: new Set(stepFields.flatMap(({ alias }) => (alias !== undefined && has(step, alias) ? [alias] : []))),
      braces: !isScalar(when) || scalarText(when).includes('${{'),
      uses: pairOf(step, 'uses') !== undefined,
    })
  }
  return styles
}

function has(map: unknown, key: string): boolean {
  return isMap(map) && pairOf(map, key) !== undefined
}

function plainSteps(graph: PipelineGraph): TreeMap {
  return new Map(graph.steps.map((step) => [step.id, stepTree(step, newStyle)]))
}

/** The same file with what its aliases and merge keys stand for written out; comments stay, spacing may not. */
function withoutAliases(text: string): string {
  const document = documentOf(text)
  const anchors = new Map<string, unknown>()
  visit(document, {
    Node(_, node) {
      if (isAlias(node)) return (anchors.get(node.source) as { clone(): typeof node } | undefined)?.clone()
      if (node.anchor !== undefined) {
        anchors.set(node.anchor, node)
        delete node.anchor
      }
      return undefined
    },
  })
  visit(document, { Map: (_, map) => takeOver(map) })
  return document.toString({ lineWidth: 0 })
}

/** What `<<` brings is written behind the map's own entries. */
function takeOver(map: YAMLMap): void {
  for (let at = mergeAt(map); at !== -1; at = mergeAt(map)) {
    const [{ value } = {}] = map.items.splice(at, 1)
    for (const source of isSeq(value) ? value.items : [value]) {
      if (!isMap(source)) continue
      for (const pair of source.items) {
        const key = pairKey(pair)
        if (key === mergeKey || (key !== undefined && pairOf(map, key) === undefined)) map.items.push(pair.clone())
      }
    }
  }
}

function mergeAt(map: YAMLMap): number {
  return map.items.findIndex((pair) => pairKey(pair) === mergeKey)
}
