// What differs between two pipelines in the words of the editor: steps added, removed and changed field by field. Pure.

import { type Need, NeedKind, type PipelineGraph, type StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { pipelineFields } from './fields/pipeline-fields.ts'
import { stepFields } from './fields/step-fields.ts'
import { triggerFields } from './fields/trigger-fields.ts'
import { inputTree } from './pipeline-yaml/step-tree.ts'
import { isMapTree, jsonTree, type Tree } from './pipeline-yaml/tree-value.ts'

export interface FieldChange {
  field: string
  before: string
  after: string
}

export interface GraphDiff {
  added: { key: string; title: string }[]
  removed: { key: string; title: string }[]
  changed: { key: string; title: string; fields: FieldChange[] }[]
  /** Of the pipeline itself: name, triggers, inputs, env, timeout. */
  settings: FieldChange[]
  count: number
}

export function graphDiff(before: PipelineGraph, after: PipelineGraph): GraphDiff {
  const old = new Map(before.steps.map((step) => [step.id, step]))
  const now = new Map(after.steps.map((step) => [step.id, step]))
  const title = (step: StepDefinition) => ({ key: step.id, title: step.name || step.id })
  const added = after.steps.filter((step) => !old.has(step.id)).map(title)
  const removed = before.steps.filter((step) => !now.has(step.id)).map(title)
  const changed = after.steps.flatMap((step) => {
    const was = old.get(step.id)
    if (!was) return []
    const fields = fieldChanges(stepFieldTexts(was), stepFieldTexts(step))
    return fields.length > 0 ? [{ ...title(step), fields }] : []
  })
  const settings = fieldChanges(settingTexts(before), settingTexts(after))
  return { added, removed, changed, settings, count: added.length + removed.length + changed.length + settings.length }
}

/** All that a graph says, by where it says it: "test.timeout", "on.push". Each need is a field of its own. */
export function fieldTexts(graph: PipelineGraph): Map<string, string> {
  const fields = settingTexts(graph)
  for (const step of graph.steps) {
    for (const [field, text] of stepFieldTexts(step)) if (field !== 'needs') fields.set(`${step.id}.${field}`, text)
    for (const need of step.needs) fields.set(`${step.id}.needs.${need.stepId}`, needText(need))
  }
  return fields
}

function fieldChanges(before: Map<string, string>, after: Map<string, string>): FieldChange[] {
  const names = [...new Set([...before.keys(), ...after.keys()])]
  return names
    .filter((field) => before.get(field) !== after.get(field))
    .map((field) => ({ field, before: before.get(field) ?? '', after: after.get(field) ?? '' }))
}

function stepFieldTexts(step: StepDefinition): Map<string, string> {
  const fields = new Map<string, string>()
  if (step.uses !== '') fields.set('uses', step.uses)
  for (const [name, value] of Object.entries(step.with ?? {})) put(fields, `with.${name}`, jsonTree(value))
  for (const { key, of, kind } of stepFields) put(fields, key, kind.write(step[of] as never))
  // Which needs there are matters, not the order they are listed in.
  const needs = step.needs.map(needText).sort()
  if (needs.length > 0) fields.set('needs', needs.join(', '))
  return fields
}

function needText({ stepId, kind, condition }: Need): string {
  const word = kind === NeedKind.FAILURE || kind === NeedKind.ALWAYS ? NeedKind[kind].toLowerCase() : ''
  return [stepId, word, condition].filter(Boolean).join(' · ')
}

function settingTexts(graph: PipelineGraph): Map<string, string> {
  const fields = new Map<string, string>()
  for (const { key, of, kind } of pipelineFields) put(fields, key, kind.write(graph[of] as never))
  if (graph.triggers?.manual === false) put(fields, 'on.manual', false)
  for (const { key, of, kind } of triggerFields) {
    if (graph.triggers) put(fields, `on.${key}`, kind.write(graph.triggers[of] as never))
  }
  for (const input of graph.inputs) put(fields, `inputs.${input.name}`, inputTree(input))
  return fields
}

/** As the file says it; a map field by field. */
function put(fields: Map<string, string>, name: string, value: Tree | undefined): void {
  if (value === undefined || value === '') return
  if (isMapTree(value)) for (const [key, one] of value) put(fields, `${name}.${key}`, one)
  else fields.set(name, treeText(value))
}

export function treeText(value: Tree): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value, plain) : String(value)
}

function plain(_key: string, value: unknown): unknown {
  return value instanceof Map ? Object.fromEntries(value) : value
}
