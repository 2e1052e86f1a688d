// Graph → the tree a file of it holds: what is written, in which order, in which of the ways that mean the same.
import {
  InputType,
  type Need,
  NeedKind,
  OnLost,
  type PipelineGraph,
  type Retry,
  RetryOn,
  type StepDefinition,
} from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { JsonValue } from '@bufbuild/protobuf'
import { formatDuration } from '../duration.ts'
import { defaultOf } from '../inputs.ts'
import { stepType } from '../steps/index.ts'

/** Maps, not objects: keys such as "10" keep their place. */
export type Tree = string | number | boolean | null | Tree[] | TreeMap
export type TreeMap = Map<string, Tree>

/** How one step writes its action and its condition. */
export interface StepStyle {
  /** `run:` for with.script. */
  run: boolean
  /** `shell:` for with.shell. */
  shell: boolean
  /** `when: ${{ … }}`. */
  braces: boolean
  /** `uses:` even where `run:` says it. */
  uses: boolean
}

export const newStyle: StepStyle = { run: true, shell: true, braces: true, uses: false }

export function pipelineTree(graph: PipelineGraph, styles: ReadonlyMap<string, StepStyle> = new Map()): TreeMap {
  const tree: TreeMap = new Map()
  tree.set('name', graph.name)
  put(tree, 'description', graph.description, '')
  if (graph.triggers !== undefined) tree.set('on', new Map([['manual', graph.triggers.manual]]))
  if (graph.inputs.length > 0) tree.set('inputs', new Map(graph.inputs.map((input) => [input.name, inputTree(input)])))
  if (graph.env.length > 0) tree.set('env', pairs(graph.env))
  if (graph.timeoutMs > 0) tree.set('timeout', formatDuration(graph.timeoutMs))
  tree.set('steps', new Map(graph.steps.map((step) => [step.id, stepTree(step, styles.get(step.id) ?? newStyle)])))
  return tree
}

const inputTypeWords: Readonly<Record<number, string>> = {
  [InputType.NUMBER]: 'number',
  [InputType.BOOLEAN]: 'boolean',
  [InputType.CHOICE]: 'choice',
}

function inputTree(input: PipelineGraph['inputs'][number]): TreeMap {
  const tree: TreeMap = new Map([['type', inputTypeWords[input.type] ?? 'string']])
  put(tree, 'description', input.description, '')
  const value = defaultOf(input)
  if (value !== undefined) tree.set('default', jsonTree(value))
  if (input.options.length > 0) tree.set('options', [...input.options])
  put(tree, 'required', input.required, false)
  return tree
}

export function stepTree(step: StepDefinition, style: StepStyle): TreeMap {
  const tree: TreeMap = new Map()
  put(tree, 'name', step.name, '')
  put(tree, 'description', step.description, '')
  if (step.needs.length > 0) tree.set('needs', step.needs.map(needTree))
  if (step.when !== '') tree.set('when', style.braces ? `\${{ ${step.when} }}` : step.when)
  putAction(tree, step, style)
  if (step.env.length > 0) tree.set('env', pairs(step.env))
  putList(tree, 'secrets', step.secrets)
  putList(tree, 'outputs', step.outputs)
  putList(tree, 'runsOn', step.runsOn)
  if (step.workspace !== '') tree.set('workspace', step.workspace)
  if (step.timeoutMs > 0) tree.set('timeout', formatDuration(step.timeoutMs))
  if (step.retry !== undefined && step.retry.max > 0) tree.set('retry', retryTree(step.retry))
  put(tree, 'allowFailure', step.allowFailure, false)
  if (step.onLost === OnLost.RETRY) tree.set('onLost', 'retry')
  put(tree, 'disabled', step.disabled, false)
  return tree
}

function putAction(tree: TreeMap, step: StepDefinition, style: StepStyle): void {
  const params = new Map<string, Tree>(
    Object.entries(step.with ?? {}).map(([key, value]) => [key, jsonTree(value as JsonValue)]),
  )
  const script = params.get('script')
  const isScript = stepType(step.uses)?.params.properties.script !== undefined
  const run = isScript && style.run && typeof script === 'string'
  if (step.uses !== '' && (!run || style.uses || step.uses !== 'custom')) tree.set('uses', step.uses)
  if (run) {
    tree.set('run', script)
    params.delete('script')
    const shell = params.get('shell')
    if (style.shell && typeof shell === 'string') {
      tree.set('shell', shell)
      params.delete('shell')
    }
  }
  if (params.size > 0) tree.set('with', params)
}

function needTree({ stepId, kind, condition }: Need): Tree {
  const word = kind === NeedKind.FAILURE ? 'failure' : kind === NeedKind.ALWAYS ? 'always' : 'success'
  if (word === 'success' && condition === '') return stepId
  const tree: TreeMap = new Map([['step', stepId]])
  put(tree, 'on', word, 'success')
  if (condition !== '') tree.set('if', `\${{ ${condition} }}`)
  return tree
}

function retryTree(retry: Retry): TreeMap {
  const tree: TreeMap = new Map([['max', retry.max]])
  if (retry.delayMs > 0) tree.set('delay', formatDuration(retry.delayMs))
  if (retry.backoff !== 0) tree.set('backoff', retry.backoff)
  const on = [...new Set(retry.on)].map((each) => RetryOn[each]!.toLowerCase())
  putList(tree, 'on', on)
  return tree
}

function pairs(list: readonly { name: string; value: string }[]): TreeMap {
  return new Map(list.map(({ name, value }) => [name, value]))
}

function put(tree: TreeMap, key: string, value: string | boolean, unless: string | boolean): void {
  if (value !== unless) tree.set(key, value)
}

function putList(tree: TreeMap, key: string, words: readonly string[]): void {
  if (words.length > 0) tree.set(key, [...words])
}

export function jsonTree(value: JsonValue): Tree {
  if (Array.isArray(value)) return value.map(jsonTree)
  if (value !== null && typeof value === 'object') {
    return new Map(Object.entries(value).map(([key, item]) => [key, jsonTree(item)]))
  }
  return value
}

export function isMapTree(tree: Tree | undefined): tree is TreeMap {
  return tree instanceof Map
}

export function sameTree(a: Tree | undefined, b: Tree | undefined): boolean {
  if (a === b) return true
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameTree(item, b[i]))
  if (!isMapTree(a) || !isMapTree(b) || a.size !== b.size) return false
  for (const [key, value] of a) if (!b.has(key) || !sameTree(value, b.get(key))) return false
  return true
}
