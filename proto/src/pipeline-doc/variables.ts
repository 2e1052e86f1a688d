// Owns the operations on what belongs to the whole pipeline in the shared document: settings, triggers, inputs, and variables
// (those of a step too).
import * as Y from 'yjs'
import { storable } from '../characters.ts'
import { orderBetween } from './order.ts'
import { inputIds } from './settings.ts'
import {
  type EditOrigin,
  type InputFields,
  isRecord,
  newInputId,
  type Plain,
  put,
  rootsOf,
  stepMap,
  stepPart,
  type VariableValue,
} from './shape.ts'

function variableMap(doc: Y.Doc, nodeId: string | null): Y.Map<unknown> | undefined {
  if (nodeId === null) return rootsOf(doc).vars
  const step = stepMap(doc, nodeId)
  return step && stepPart(step, 'env')
}

function ordOf(entry: unknown): string {
  const ord = isRecord(entry) ? entry.ord : undefined
  return typeof ord === 'string' ? ord : ''
}

function lastOrd(map: Y.Map<unknown>): string | undefined {
  return [...map.values()].map(ordOf).sort().at(-1)
}

/** `nodeId` null: of the whole pipeline. `value` undefined removes. */
export function setEnv(
  doc: Y.Doc,
  nodeId: string | null,
  name: string,
  value: string | undefined,
  origin: EditOrigin,
): void {
  const map = variableMap(doc, nodeId)
  if (!map) return
  doc.transact(() => {
    if (value === undefined) {
      put(map, name, undefined)
      return
    }
    const ord = map.has(name) ? ordOf(map.get(name)) : orderBetween(lastOrd(map), undefined)
    put(map, name, { v: value, ord } satisfies VariableValue)
  }, origin)
}

/** Keeps its value and place. Does nothing when the new name is taken. */
export function renameEnv(doc: Y.Doc, nodeId: string | null, name: string, next: string, origin: EditOrigin): void {
  const map = variableMap(doc, nodeId)
  const free = storable(next)
  if (!map?.has(name) || map.has(free)) return
  doc.transact(() => {
    const entry = map.get(name)
    map.delete(name)
    map.set(free, entry)
  }, origin)
}

/** Makes the variables those given, in their order, with minimal writes. */
export function writeVariables(map: Y.Map<unknown>, wanted: readonly { name: string; value: string }[]): void {
  const names = new Set(wanted.map(({ name }) => name))
  for (const name of [...map.keys()]) if (!names.has(name)) map.delete(name)
  let previous: string | undefined
  for (const { name, value } of wanted) {
    const present = ordOf(map.get(name))
    const ord = present !== '' && (previous === undefined || present > previous) ? present : undefined
    previous = ord ?? orderBetween(previous, undefined)
    put(map, name, { v: value, ord: previous } satisfies VariableValue)
  }
}

/** Answers the id of the input, last in the list. */
export function addInput(doc: Y.Doc, fields: Partial<InputFields> & { name: string }, origin: EditOrigin): string {
  const id = newInputId()
  doc.transact(() => {
    const { inputs } = rootsOf(doc)
    const last = inputIds(inputs).at(-1)
    const entry = last === undefined ? undefined : inputs.get(last)
    const ord = entry instanceof Y.Map ? entry.get('ord') : undefined
    const all = { type: 'string', description: '', required: false, ...fields }
    const map = new Y.Map<unknown>([['ord', orderBetween(typeof ord === 'string' ? ord : undefined, undefined)]])
    for (const [key, value] of Object.entries(all)) if (value !== undefined) map.set(key, storable(value))
    inputs.set(id, map)
  }, origin)
  return id
}

/** Changes the given fields; undefined takes one away. Ids in their order: `inputIds(rootsOf(doc).inputs)`. */
export function setInput(
  doc: Y.Doc,
  id: string,
  fields: { [K in keyof InputFields]?: InputFields[K] | undefined },
  origin: EditOrigin,
): void {
  const input = rootsOf(doc).inputs.get(id)
  if (!(input instanceof Y.Map)) return
  doc.transact(() => {
    for (const [key, value] of Object.entries(fields)) put(input, key, value)
  }, origin)
}

export function removeInput(doc: Y.Doc, id: string, origin: EditOrigin): void {
  doc.transact(() => {
    put(rootsOf(doc).inputs, id, undefined)
  }, origin)
}

/** A key of `settings`, as fields/pipeline-fields.ts has them. */
export function setSetting(doc: Y.Doc, key: string, value: Plain | undefined, origin: EditOrigin): void {
  doc.transact(() => {
    put(rootsOf(doc).settings, key, value)
  }, origin)
}

/** undefined: the file does not say. */
export function setManualTrigger(doc: Y.Doc, manual: boolean | undefined, origin: EditOrigin): void {
  doc.transact(() => {
    put(rootsOf(doc).triggers, 'manual', manual)
  }, origin)
}

/** A key of `triggers`, as fields/trigger-fields.ts has them. */
export function setTrigger(doc: Y.Doc, key: string, value: Plain | undefined, origin: EditOrigin): void {
  doc.transact(() => {
    put(rootsOf(doc).triggers, key, value)
  }, origin)
}
