// Graph → the tree a file of it holds: what is written, in which order, in which of the ways that mean the same.
import type { PipelineGraph, Triggers } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { pipelineFields } from '../fields/pipeline-fields.ts'
import { templatesTree } from '../fields/templates.ts'
import { triggerFields } from '../fields/trigger-fields.ts'
import { inputTree, newStyle, type StepStyle, stepTree } from './step-tree.ts'
import type { TreeMap } from './tree-value.ts'

export function pipelineTree(graph: PipelineGraph, styles: ReadonlyMap<string, StepStyle> = new Map()): TreeMap {
  const tree: TreeMap = new Map([['name', graph.name]])
  for (const { key, of, kind } of pipelineFields) {
    const value = of === 'templates' ? templatesTree(graph.templates, styles) : kind.write(graph[of] as never)
    if (value !== undefined) tree.set(key, value)
    if (key !== 'description') continue
    if (graph.triggers !== undefined) tree.set('on', triggersTree(graph.triggers))
    if (graph.inputs.length > 0)
      tree.set('inputs', new Map(graph.inputs.map((input) => [input.name, inputTree(input)])))
  }
  tree.set('steps', new Map(graph.steps.map((step) => [step.id, stepTree(step, styles.get(step.id) ?? newStyle)])))
  return tree
}

function triggersTree(triggers: Triggers): TreeMap {
  const tree: TreeMap = new Map()
  for (const { key, of, kind } of triggerFields) {
    const value = kind.write(triggers[of] as never)
    if (value !== undefined) tree.set(key, value)
  }
  // Where nothing else stands there it is said.
  if (!triggers.manual || tree.size === 0) tree.set('manual', triggers.manual)
  return tree
}
