// What differs between two pipelines in the words of the editor: steps added, removed and changed field by field. Pure.

import { formatDuration } from '@ansflow/proto/duration'
import {
  InputDefinitionSchema,
  type PipelineGraph,
  type StepDefinition,
  StepDefinitionSchema,
} from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { toJson } from '@bufbuild/protobuf'

export interface FieldChange {
  field: string
  before: string
  after: string
}

export interface GraphDiff {
  added: { key: string; title: string }[]
  removed: { key: string; title: string }[]
  changed: { key: string; title: string; fields: FieldChange[] }[]
  /** Of the pipeline itself: name, inputs, env, timeout. */
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
    const fields = fieldChanges(stepFields(was), stepFields(step))
    return fields.length > 0 ? [{ ...title(step), fields }] : []
  })
  const settings = fieldChanges(settingFields(before), settingFields(after))
  return { added, removed, changed, settings, count: added.length + removed.length + changed.length + settings.length }
}

function fieldChanges(before: Map<string, string>, after: Map<string, string>): FieldChange[] {
  const names = [...new Set([...before.keys(), ...after.keys()])]
  return names
    .filter((field) => before.get(field) !== after.get(field))
    .map((field) => ({ field, before: before.get(field) ?? '', after: after.get(field) ?? '' }))
}

function stepFields(step: StepDefinition): Map<string, string> {
  const {
    id: _id,
    nodeId: _node,
    position: _position,
    needs,
    with: params,
    env,
    retry,
    ...rest
  } = toJson(StepDefinitionSchema, step) as Record<string, never>
  const fields = new Map<string, string>()
  put(fields, '', rest)
  put(fields, 'with.', params)
  put(fields, 'retry.', retry)
  for (const { name, value } of (env ?? []) as { name: string; value?: string }[])
    fields.set(`env.${name}`, value ?? '')
  // Which needs there are matters, not the order they are listed in.
  const listed = ((needs ?? []) as { stepId: string; kind?: string; condition?: string }[])
    .map(({ stepId, kind, condition }) => {
      const word = kind === undefined || kind === 'NEED_KIND_SUCCESS' ? '' : kind.slice(10).toLowerCase()
      return [stepId, word, condition].filter(Boolean).join(' · ')
    })
    .sort()
  if (listed.length > 0) fields.set('needs', listed.join(', '))
  return fields
}

function settingFields(graph: PipelineGraph): Map<string, string> {
  const fields = new Map<string, string>()
  put(fields, '', { name: graph.name, description: graph.description, timeoutMs: graph.timeoutMs })
  for (const { name, value } of graph.env) fields.set(`env.${name}`, value)
  for (const input of graph.inputs) {
    const { name, defaultValue, ...rest } = toJson(InputDefinitionSchema, input) as {
      name: string
      defaultValue?: unknown
    }
    put(fields, `inputs.${name}.`, rest)
    if (defaultValue !== undefined) fields.set(`inputs.${name}.default`, text(defaultValue))
  }
  return fields
}

function put(fields: Map<string, string>, prefix: string, values: object | undefined): void {
  for (const [name, value] of Object.entries(values ?? {})) {
    const lasts = name.endsWith('Ms')
    const said = lasts && Number(value) > 0 ? formatDuration(Number(value)) : text(value)
    if (said !== '' && said !== '0' && said !== 'false') fields.set(prefix + (lasts ? name.slice(0, -2) : name), said)
  }
}

function text(value: unknown): string {
  const said = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  // Choices read as in the file.
  return said.replaceAll(/\b(?:ON_LOST|RETRY_ON|INPUT_TYPE)_([A-Z_]+)\b/g, (_, word: string) => word.toLowerCase())
}
