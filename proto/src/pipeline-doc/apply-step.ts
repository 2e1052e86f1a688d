// Owns writing one step, and what a graph says of the whole pipeline, into the shared document: only what differs.

import type { PipelineGraph, StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { type JsonObject, toJson } from '@bufbuild/protobuf'
import { ValueSchema } from '@bufbuild/protobuf/wkt'
import * as Y from 'yjs'
import { settingFields } from '../fields/pipeline-fields.ts'
import { configFields } from '../fields/step-fields.ts'
import { triggerFields } from '../fields/trigger-fields.ts'
import { type NewStep, writeParam, writeType } from './edit.ts'
import { reorder } from './order.ts'
import { inputIds, inputTypes } from './settings.ts'
import {
  type InputFields,
  newInputId,
  type Plain,
  put,
  rootsOf,
  type StepConfig,
  type StepMap,
  stepPart,
} from './shape.ts'
import { stepParams } from './step.ts'
import { writeTemplates } from './templates.ts'
import { writeVariables } from './variables.ts'

/** A step of a graph as what a new one is made of, but for its place and order. */
export function stepContent(step: StepDefinition): Omit<NewStep, 'pos'> & { key: string } {
  return {
    type: step.uses,
    key: step.id,
    name: step.name,
    on: !step.disabled,
    params: plainParams(step),
    cfg: stepConfig(step),
    env: step.env,
  }
}

function plainParams(step: StepDefinition): Record<string, Plain> {
  return (step.with ?? {}) satisfies JsonObject as Record<string, Plain>
}

/** Only what the file says: defaults are left out. */
export function stepConfig(step: StepDefinition): StepConfig {
  const config: StepConfig = {}
  for (const { key, of, kind } of configFields) {
    for (const [suffix, value] of Object.entries(kind.toDocument(step[of] as never))) config[key + suffix] = value
  }
  return config
}

const configKeys = configFields.flatMap(({ key, kind }) => kind.suffixes.map((suffix) => key + suffix))

/** Everything of a step but its key, order, place and edges. Keys this program does not know stay. */
export function writeStep(map: StepMap, step: StepDefinition): void {
  writeType(map, step.uses)
  put(map, 'name', step.name)
  put(map, 'on', !step.disabled)
  const wanted = plainParams(step)
  const present = stepParams(map)
  for (const name of new Set([...Object.keys(present), ...Object.keys(wanted)])) writeParam(map, name, wanted[name])
  const cfg = stepPart(map, 'cfg')
  if (cfg) {
    const config = stepConfig(step)
    // A value that reads as the default (allowFailure: false) may stay as it is written.
    for (const key of configKeys)
      if (!(config[key] === undefined && readsAsDefault(cfg.get(key)))) put(cfg, key, config[key])
  }
  const env = stepPart(map, 'env')
  if (env) writeVariables(env, step.env)
}

function readsAsDefault(value: unknown): boolean {
  return value === undefined || value === false || value === '' || value === 0
}

export function writeSettings(doc: Y.Doc, graph: PipelineGraph): void {
  const { settings, triggers, vars, inputs, templates } = rootsOf(doc)
  for (const { key, of, kind } of settingFields) {
    const wanted = kind.toDocument(graph[of] as never)
    for (const suffix of kind.suffixes) {
      const value = wanted[suffix]
      if (!(value === undefined && readsAsDefault(settings.get(key + suffix)))) put(settings, key + suffix, value)
    }
  }
  put(triggers, 'manual', graph.triggers?.manual)
  for (const { key, of, kind } of triggerFields) {
    put(triggers, key, graph.triggers && kind.toDocument(graph.triggers[of] as never)[''])
  }
  writeVariables(vars, graph.env)
  writeTemplates(templates, graph.templates)
  writeInputs(inputs, graph)
}

function writeInputs(inputs: Y.Map<unknown>, graph: PipelineGraph): void {
  const ids = new Map<string, string>()
  const wanted = new Set(graph.inputs.map(({ name }) => name))
  for (const id of inputIds(inputs)) {
    const name = (inputs.get(id) as Y.Map<unknown>).get('name')
    if (typeof name === 'string' && !ids.has(name) && wanted.has(name)) ids.set(name, id)
    else inputs.delete(id)
  }
  const items = graph.inputs.map((input) => {
    const id = ids.get(input.name) ?? newInputId()
    const present = inputs.get(id)
    const map = present instanceof Y.Map ? present : new Y.Map<unknown>()
    if (map !== present) inputs.set(id, map)
    for (const [key, value] of Object.entries(inputFields(input))) put(map, key, value)
    const ord = map.get('ord')
    return { id, ord: typeof ord === 'string' && ord !== '' ? ord : undefined }
  })
  for (const [id, ord] of reorder(items)) (inputs.get(id) as Y.Map<unknown>).set('ord', ord)
}

function inputFields(input: PipelineGraph['inputs'][number]): Record<keyof InputFields, Plain | undefined> {
  const words = Object.entries(inputTypes) as [InputFields['type'], number][]
  return {
    name: input.name,
    type: words.find(([, number]) => number === input.type)?.[0] ?? 'string',
    description: input.description,
    default: input.defaultValue ? (toJson(ValueSchema, input.defaultValue) as Plain) : undefined,
    options: input.options.length > 0 ? [...input.options] : undefined,
    required: input.required,
  }
}
