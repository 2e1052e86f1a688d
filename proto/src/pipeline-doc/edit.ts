// Owns the operations people do to the shared document. Each is one transaction with the editor's origin, and writes only what
// differs; creating a step has a first half that undo does not see, so that undoing it keeps what others put into it.
import * as Y from 'yjs'
import { storable } from '../characters.ts'
import { orderBetween } from './order.ts'
import { stepKeys } from './project.ts'
import { rewriteReferences } from './references.ts'
import {
  type EdgeKind,
  type EdgeValue,
  type EditOrigin,
  edgeKey,
  edgeValue,
  editText,
  freeKeys,
  isDeleted,
  newNodeId,
  nextClock,
  type Plain,
  type Point,
  parseEdgeKey,
  put,
  rootsOf,
  type StepConfig,
  type StepMap,
  seedOrigin,
  stepMap,
  stepPart,
  textNames,
} from './shape.ts'

export interface NewStep {
  type: string
  /** Key in the file; a taken one gets -2, -3 … Default: made from the type. */
  key?: string
  name?: string
  pos: Point
  /** Node id of the step it follows in the file; default: the last one. */
  after?: string
  on?: boolean
  params?: Record<string, Plain>
  cfg?: StepConfig
  env?: readonly { name: string; value: string }[]
  /** Node id; default: a new one. */
  id?: string
}

/** Several operations as one gesture: one update, one step of undo. Not around what creates steps. */
export function asOneGesture<T>(doc: Y.Doc, origin: EditOrigin, edits: () => T): T {
  return doc.transact(edits, origin)
}

/** Answers the node id. */
export function addStep(doc: Y.Doc, step: NewStep, origin: EditOrigin): string {
  return addSteps(doc, [step], origin)[0] as string
}

/** Several at once, in the order of the file; one step of undo. */
export function addSteps(doc: Y.Doc, steps: readonly NewStep[], origin: EditOrigin): string[] {
  const taken = new Set(stepKeys(doc).values())
  const freeKey = freeKeys((candidate) => taken.has(candidate))
  let after = steps[0]?.after
  const created = steps.map((step) => {
    const key = freeKey(step.key ?? step.type.replaceAll('_', '-'))
    taken.add(key)
    return { ...step, key, id: step.id ?? newNodeId() }
  })
  createDeleted(doc, () => {
    for (const step of created) {
      const ord = orderAfterStep(doc, step.after ?? after)
      rootsOf(doc).nodes.set(step.id, newStepMap({ ...step, ord }, origin))
      after = step.id
    }
  })
  const ids = created.map(({ id }) => id)
  setDeleted(doc, ids, false, origin)
  return ids
}

/** The first half of creating steps, which undo must not take back. */
export function createDeleted(doc: Y.Doc, build: () => void): void {
  doc.transact(build, seedOrigin)
}

export interface StepContent extends NewStep {
  key: string
  ord: string
}

/** A step with all its parts, marked as deleted until its creator's own transaction brings it to life. */
export function newStepMap(content: StepContent, origin: EditOrigin): StepMap {
  const step = storable(content)
  const params = new Y.Map<unknown>()
  const texts = new Y.Map<unknown>()
  const written = new Map<string, string>()
  for (const [name, value] of Object.entries(step.params ?? {})) {
    if (typeof value === 'string' && value !== '' && textNames(step.type).includes(name)) written.set(name, value)
    else params.set(name, value)
  }
  for (const name of textNames(step.type)) texts.set(name, new Y.Text(written.get(name)))
  const env = new Y.Map<unknown>()
  let ord = ''
  for (const { name, value } of step.env ?? []) {
    ord = orderBetween(ord, undefined)
    env.set(name, { v: value, ord })
  }
  const entries: [string, unknown][] = [
    ['type', step.type],
    ['key', step.key],
    ['name', step.name ?? ''],
    ['pos', { x: step.pos.x, y: step.pos.y }],
    ['ord', step.ord],
    ['del', { by: origin.user, at: Date.now() }],
    ['on', step.on ?? true],
    ['params', params],
    ['cfg', new Y.Map(Object.entries(step.cfg ?? {}).filter(([, value]) => value !== undefined))],
    ['texts', texts],
    ['env', env],
  ]
  return new Y.Map(entries)
}

function orderAfterStep(doc: Y.Doc, after: string | undefined): string {
  const orders: string[] = []
  for (const step of rootsOf(doc).nodes.values()) {
    const ord = step instanceof Y.Map ? step.get('ord') : undefined
    if (typeof ord === 'string') orders.push(ord)
  }
  orders.sort()
  const found = after === undefined ? undefined : stepMap(doc, after)?.get('ord')
  const low = typeof found === 'string' ? found : orders.at(-1)
  return orderBetween(low, low === undefined ? undefined : orders.find((ord) => ord > low))
}

/** Deletes or restores. A deleted step keeps its edges and whatever others write to it. */
export function setDeleted(doc: Y.Doc, nodeIds: readonly string[], deleted: boolean, origin: EditOrigin): void {
  doc.transact(() => {
    for (const id of nodeIds) {
      const step = stepMap(doc, id)
      if (step && isDeleted(step) !== deleted) step.set('del', deleted ? { by: origin.user, at: Date.now() } : false)
    }
  }, origin)
}

/** Once per gesture, when it ends. */
export function moveSteps(doc: Y.Doc, positions: ReadonlyMap<string, Point>, origin: EditOrigin): void {
  doc.transact(() => {
    for (const [id, { x, y }] of positions) {
      const step = stepMap(doc, id)
      if (step) put(step, 'pos', { x, y })
    }
  }, origin)
}

export interface EdgeFields {
  kind?: EdgeKind
  /** CEL; "": none. */
  condition?: string
}

/** Draws an edge, in place of another kind between the same two. Answers its key; undefined from a step to itself. */
export function connect(
  doc: Y.Doc,
  from: string,
  to: string,
  origin: EditOrigin,
  fields: EdgeFields = {},
): string | undefined {
  if (from === to) return undefined
  const kind = fields.kind ?? 'success'
  const key = edgeKey(from, kind, to)
  doc.transact(() => {
    const { edges } = rootsOf(doc)
    for (const other of ['success', 'failure', 'always'] as const) {
      if (other !== kind && edges.has(edgeKey(from, other, to))) edges.delete(edgeKey(from, other, to))
    }
    const present = edges.has(key) ? edgeValue(edges.get(key)).c : undefined
    const c = present ?? { clock: nextClock(doc), user: origin.user }
    put(edges, key, { cond: fields.condition ?? '', c } satisfies EdgeValue)
  }, origin)
  return key
}

export function disconnect(doc: Y.Doc, edgeKeys: readonly string[], origin: EditOrigin): void {
  doc.transact(() => {
    const { edges } = rootsOf(doc)
    for (const key of edgeKeys) {
      const ends = parseEdgeKey(key)
      // All kinds between the two: one that was hidden by this one must not come forward.
      const keys = ends ? (['success', 'failure', 'always'] as const).map((k) => edgeKey(ends.from, k, ends.to)) : [key]
      for (const each of keys) if (edges.has(each)) edges.delete(each)
    }
  }, origin)
}

/** Changes an edge; answers its key, which is another one when the kind changes. */
export function setEdge(doc: Y.Doc, key: string, fields: EdgeFields, origin: EditOrigin): string | undefined {
  const ends = parseEdgeKey(key)
  const { edges } = rootsOf(doc)
  if (!ends || !edges.has(key)) return undefined
  const condition = fields.condition ?? edgeValue(edges.get(key)).cond
  return connect(doc, ends.from, ends.to, origin, { kind: fields.kind ?? ends.kind, condition })
}

export type StepField = 'name' | 'on' | `cfg.${string}` | `params.${string}`

/** One field of a step; undefined takes it out of the file. */
export function setStepField(
  doc: Y.Doc,
  nodeId: string,
  field: StepField,
  value: Plain | undefined,
  origin: EditOrigin,
): void {
  const step = stepMap(doc, nodeId)
  if (!step) return
  doc.transact(() => {
    if (field.startsWith('params.')) {
      writeParam(step, field.slice('params.'.length), value)
    } else if (field.startsWith('cfg.')) {
      const cfg = stepPart(step, 'cfg')
      if (cfg) put(cfg, field.slice('cfg.'.length), value)
    } else {
      put(step, field, value ?? (field === 'on' ? true : ''))
    }
  }, origin)
}

/** A parameter that is a shared text is changed in place; any other is one value. */
export function writeParam(step: StepMap, name: string, value: Plain | undefined): void {
  const params = stepPart(step, 'params')
  const text = stepPart(step, 'texts')?.get(name)
  if (text instanceof Y.Text) {
    const isText = typeof value === 'string' && value !== ''
    editText(text, isText ? value : '')
    if (params) put(params, name, isText ? undefined : value)
  } else if (params) {
    put(params, name, value)
  }
}

/** Replaces a shared text by minimal edits; editors that bind to the text itself need not call this. */
export function setStepText(doc: Y.Doc, nodeId: string, name: string, value: string, origin: EditOrigin): void {
  setStepField(doc, nodeId, `params.${name}`, value, origin)
}

/** Parameters of the former type stay in the step: the file shows them as problems until someone removes them. */
export function setStepType(doc: Y.Doc, nodeId: string, type: string, origin: EditOrigin): void {
  const step = stepMap(doc, nodeId)
  if (!step) return
  doc.transact(() => {
    writeType(step, type)
  }, origin)
}

export function writeType(step: StepMap, type: string): void {
  if (!put(step, 'type', type)) return
  const texts = stepPart(step, 'texts')
  const params = stepPart(step, 'params')
  for (const name of textNames(type)) {
    if (!texts || texts.has(name)) continue
    const value = params?.get(name)
    texts.set(name, new Y.Text(typeof value === 'string' ? value : ''))
    if (typeof value === 'string' && value !== '') params?.delete(name)
  }
}

/** Gives a step another key, and other steps' expressions that name it with it. Answers the key: a taken one gets -2, -3 … */
export function renameStep(doc: Y.Doc, nodeId: string, wish: string, origin: EditOrigin): string {
  const keys = stepKeys(doc)
  const before = keys.get(nodeId)
  const step = stepMap(doc, nodeId)
  if (!step || before === undefined || before === wish) return before ?? wish
  const taken = new Set(keys.values())
  const key = freeKeys((candidate) => taken.has(candidate))(wish)
  doc.transact(() => {
    put(step, 'key', key)
    rewriteReferences(doc, new Map([[before, key]]))
  }, origin)
  return key
}

/** Moves a step in the file to behind another one; undefined: to the top. */
export function setStepOrder(doc: Y.Doc, nodeId: string, after: string | undefined, origin: EditOrigin): void {
  const step = stepMap(doc, nodeId)
  if (!step || after === nodeId) return
  const ids = [...stepKeys(doc).keys()].filter((id) => id !== nodeId)
  const ordAt = (index: number): string | undefined => {
    const ord = stepMap(doc, ids[index] ?? '')?.get('ord')
    return typeof ord === 'string' ? ord : undefined
  }
  const index = after === undefined ? -1 : ids.indexOf(after)
  doc.transact(() => {
    put(step, 'ord', orderBetween(ordAt(index), ordAt(index + 1)))
  }, origin)
}
