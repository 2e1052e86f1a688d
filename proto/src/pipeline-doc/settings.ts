// Owns the reading of what the shared document says of the whole pipeline: settings, inputs, variables, triggers.

import {
  type InputDefinition,
  InputDefinitionSchema,
  InputType,
  type NameValue,
  NameValueSchema,
  type PipelineGraphSchema,
  type Problem,
  Severity,
} from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create, fromJson, type MessageInitShape } from '@bufbuild/protobuf'
import { ValueSchema } from '@bufbuild/protobuf/wkt'
import * as Y from 'yjs'
import { settingFields } from '../fields/pipeline-fields.ts'
import { triggerFields } from '../fields/trigger-fields.ts'
import { say } from '../texts/say.ts'
import { documentReader } from './document-reader.ts'
import { problem } from './problem.ts'
import { compareText, type InputFields, isRecord } from './shape.ts'

export const inputTypes: Record<InputFields['type'], InputType> = {
  string: InputType.STRING,
  number: InputType.NUMBER,
  boolean: InputType.BOOLEAN,
  choice: InputType.CHOICE,
}

export function projectSettings(
  settings: Y.Map<unknown>,
  triggers: Y.Map<unknown>,
  problems: Problem[],
): MessageInitShape<typeof PipelineGraphSchema> {
  const document = documentReader(settings, problems, '')
  const found: Record<string, unknown> = {}
  for (const { key, of, kind } of settingFields) {
    found[of] = kind.fromDocument(document, key)
  }
  return { ...found, ...projectTriggers(triggers, problems) }
}

function projectTriggers(triggers: Y.Map<unknown>, problems: Problem[]): MessageInitShape<typeof PipelineGraphSchema> {
  const document = documentReader(triggers, problems, '')
  const manual = triggers.get('manual')
  const found = triggerFields.map(({ key, of, kind }) => [of, kind.fromDocument(document, key)] as const)
  const says = typeof manual === 'boolean' || triggerFields.some(({ key }) => triggers.has(key))
  return says ? { triggers: { manual: manual !== false, ...Object.fromEntries(found) } } : {}
}

/** `{v, ord}` under each name, in their order. */
export function variables(map: Y.Map<unknown> | undefined): NameValue[] {
  const found: { name: string; value: string; ord: string }[] = []
  map?.forEach((entry, name) => {
    if (!isRecord(entry) || typeof entry.v !== 'string') return
    found.push({ name, value: entry.v, ord: typeof entry.ord === 'string' ? entry.ord : '' })
  })
  found.sort((a, b) => compareText(a.ord, b.ord) || compareText(a.name, b.name))
  return found.map(({ name, value }) => create(NameValueSchema, { name, value }))
}

/** Ids of the inputs in their order. */
export function inputIds(inputs: Y.Map<unknown>): string[] {
  const found: { id: string; ord: string }[] = []
  for (const [id, entry] of inputs) {
    if (!(entry instanceof Y.Map)) continue
    const ord = entry.get('ord')
    found.push({ id, ord: typeof ord === 'string' ? ord : '' })
  }
  return found.sort((a, b) => compareText(a.ord, b.ord) || compareText(a.id, b.id)).map(({ id }) => id)
}

export function projectInputs(inputs: Y.Map<unknown>, problems: Problem[]): InputDefinition[] {
  const taken = new Set<string>()
  const numbers = new Map<string, number>()
  return inputIds(inputs).map((id) => {
    const fields = inputs.get(id) as Y.Map<unknown>
    const wish = stringOf(fields.get('name')) || 'input'
    let name = wish
    let n = numbers.get(wish) ?? 2
    for (; taken.has(name); n += 1) name = `${wish}_${n}`
    numbers.set(wish, n)
    taken.add(name)
    if (name !== wish) {
      problems.push(problem(Severity.WARNING, say('input_name_taken', { name: wish, used: name })))
    }
    return projectInput(name, fields)
  })
}

function projectInput(name: string, fields: Y.Map<unknown>): InputDefinition {
  const type = stringOf(fields.get('type'))
  const options = fields.get('options')
  const input = create(InputDefinitionSchema, {
    name,
    type: Object.hasOwn(inputTypes, type) ? inputTypes[type as keyof typeof inputTypes] : InputType.STRING,
    description: stringOf(fields.get('description')),
    options: Array.isArray(options) ? options.filter((option) => typeof option === 'string') : [],
    required: fields.get('required') === true,
  })
  const value = fields.get('default')
  // Only what a form can hold; a nested value would not be one of any input type.
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || isFiniteNumber(value)) {
    input.defaultValue = fromJson(ValueSchema, value)
  }
  return input
}

function isFiniteNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
