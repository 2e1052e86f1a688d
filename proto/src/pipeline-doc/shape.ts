// Owns the shape of the shared pipeline document: its roots, what is under each key, and how ids and edge keys are made.
import * as Y from 'yjs'
import { storable } from '../characters.ts'
import type { DocumentValue } from '../fields/kind.ts'
import { stepTypes } from '../steps/index.ts'

/** Version of the shape. Additive changes keep it; only the server migrates. */
export const docSchema = 1

/** Every root a document may have; `lanes` and `notes` are reserved and left alone. */
export const docRoots = [
  'meta',
  'settings',
  'nodes',
  'edges',
  'inputs',
  'vars',
  'triggers',
  'templates',
  'comments',
  'lanes',
  'notes',
] as const
export type DocRoot = (typeof docRoots)[number]

/** Roots that people edit, so the scope of undo; `meta` for the text that the file's layout is taken from. */
export const editedRoots = [
  'meta',
  'nodes',
  'edges',
  'settings',
  'inputs',
  'vars',
  'triggers',
  'templates',
  'comments',
] as const

/** Most steps one document may hold, deleted ones not counted. */
export const maxSteps = 1000

/**
 * Who edits: the object itself is the Yjs transaction origin (undo tracks it by identity), `user` breaks ties between
 * edges made at the same time and is shown as the one who deleted a step.
 */
export interface EditOrigin {
  readonly user: string
}

/** Origin of what nobody may undo: seeding by the server, and the first half of creating a step. */
export const seedOrigin: EditOrigin = { user: '' }

/** A plain JSON value, as Yjs stores it in one piece. */
export type Plain = DocumentValue

export interface Point {
  x: number
  y: number
}

/** Not false: the step is deleted, but kept with everything others do to it meanwhile. */
export type Deleted = false | { by: string; at: number }

/** Flat keys of a step's `cfg`, as fields/step-fields.ts has them, such as `retry.max`. Durations are milliseconds. */
export type StepConfig = Record<string, Plain>

/** Flat keys of one entry of `inputs`. */
export interface InputFields {
  name: string
  type: 'string' | 'number' | 'boolean' | 'choice'
  description: string
  default: Plain
  options: string[]
  required: boolean
}

export type EdgeKind = 'success' | 'failure' | 'always'

/** The value under an edge's key; `c` orders edges by when they were made (a Lamport number, ties by user). */
export interface EdgeValue {
  cond: string
  c: { clock: number; user: string }
}

/** One variable, of a step's `env` or of the root `vars`. */
export interface VariableValue {
  v: string
  ord: string
}

export type StepMap = Y.Map<unknown>

export interface PipelineRoots {
  meta: Y.Map<unknown>
  settings: Y.Map<unknown>
  nodes: Y.Map<unknown>
  edges: Y.Map<unknown>
  inputs: Y.Map<unknown>
  vars: Y.Map<unknown>
  triggers: Y.Map<unknown>
  /** By name `{ ord, … }`, each in one piece. */
  templates: Y.Map<unknown>
  /** Comments of the file that somebody has changed since its text, as pipeline-doc/comments.ts has them. */
  comments: Y.Map<unknown>
}

export function rootsOf(doc: Y.Doc): PipelineRoots {
  return {
    meta: doc.getMap('meta'),
    settings: doc.getMap('settings'),
    nodes: doc.getMap('nodes'),
    edges: doc.getMap('edges'),
    inputs: doc.getMap('inputs'),
    vars: doc.getMap('vars'),
    triggers: doc.getMap('triggers'),
    templates: doc.getMap('templates'),
    comments: doc.getMap('comments'),
  }
}

const idAlphabet = 'abcdefghijklmnopqrstuvwxyz234567'

function randomId(prefix: string): string {
  let id = prefix
  for (const byte of crypto.getRandomValues(new Uint8Array(10))) id += idAlphabet[byte & 31]
  return id
}

export function newNodeId(): string {
  return randomId('n_')
}

export function newInputId(): string {
  return randomId('i_')
}

/** Made from its ends, so that two people drawing the same edge make one. */
export function edgeKey(from: string, kind: EdgeKind, to: string): string {
  return `${from}:${kind}>${to}`
}

/** Undefined for a key that names no known kind of edge. */
export function parseEdgeKey(key: string): { from: string; kind: EdgeKind; to: string } | undefined {
  const match = /^([^:>]+):(success|failure|always)>([^:>]+)$/.exec(key)
  if (!match) return undefined
  return { from: match[1] as string, kind: match[2] as EdgeKind, to: match[3] as string }
}

/**
 * The parameters of a type that are edited letter by letter, so shared as Y.Text. `script` is always among them: a step
 * whose type is changed by two people at once must not get two texts of that name.
 */
export function textNames(type: string): readonly string[] {
  return sharedTexts.get(type) ?? ['script']
}

const sharedTexts: ReadonlyMap<string, readonly string[]> = new Map(
  [...stepTypes.values()].map(({ id, params }) => {
    const scripts = Object.entries(params.properties).filter(([, param]) => param['x-widget'] === 'script')
    return [id, [...new Set(['script', ...scripts.map(([name]) => name)])]]
  }),
)

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The step's map, deleted or not; undefined when there is none. */
export function stepMap(doc: Y.Doc, nodeId: string): StepMap | undefined {
  const step = doc.getMap('nodes').get(nodeId)
  return step instanceof Y.Map ? step : undefined
}

/** One of the maps inside a step. */
export function stepPart(step: StepMap, part: 'params' | 'cfg' | 'texts' | 'env'): Y.Map<unknown> | undefined {
  const map = step.get(part)
  return map instanceof Y.Map ? map : undefined
}

/** The shared text of a parameter, for an editor to bind to. */
export function stepText(doc: Y.Doc, nodeId: string, name: string): Y.Text | undefined {
  const step = stepMap(doc, nodeId)
  const text = step && stepPart(step, 'texts')?.get(name)
  return text instanceof Y.Text ? text : undefined
}

export function isDeleted(step: StepMap): boolean {
  const del = step.get('del')
  return del !== undefined && del !== false && del !== null
}

/** Those that are not deleted. */
export function countSteps(doc: Y.Doc): number {
  let count = 0
  for (const step of doc.getMap('nodes').values()) if (!(step instanceof Y.Map) || !isDeleted(step)) count += 1
  return count
}

/** The number the next edge gets, so that it counts as later than all that are known here. */
export function nextClock(doc: Y.Doc): number {
  let highest = 0
  for (const value of doc.getMap('edges').values()) highest = Math.max(highest, edgeValue(value).c.clock)
  return highest + 1
}

/** What is stored under an edge's key, with missing or wrong parts replaced. */
export function edgeValue(value: unknown): EdgeValue {
  const edge = isRecord(value) ? value : {}
  const c = isRecord(edge.c) ? edge.c : {}
  return {
    cond: typeof edge.cond === 'string' ? edge.cond : '',
    c: {
      clock: typeof c.clock === 'number' && Number.isFinite(c.clock) ? c.clock : 0,
      user: typeof c.user === 'string' ? c.user : '',
    },
  }
}

/** Order in which edges count: earlier made first. */
export function compareEdges(a: { key: string; c: EdgeValue['c'] }, b: { key: string; c: EdgeValue['c'] }): number {
  return a.c.clock - b.c.clock || compareText(a.c.user, b.c.user) || compareText(a.key, b.key)
}

/** Gives a wish, or it with the first of -2, -3 … that is not taken; never longer than a key may be. What is taken stays so. */
export function freeKeys(isTaken: (key: string) => boolean): (wish: string) => string {
  // Where the search for wishes that begin alike has come to: a thousand steps of one key must not each begin anew.
  const reached = new Map<string, number>()
  return (wish) => {
    if (!isTaken(wish)) return wish
    const stem = wish.slice(0, 62)
    for (let n = reached.get(stem) ?? 2; ; n += 1) {
      const suffix = `-${n}`
      const key = wish.slice(0, 64 - suffix.length) + suffix
      if (isTaken(key)) continue
      reached.set(stem, n)
      return key
    }
  }
}

/** By code units, the same on every machine. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

export function plainEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => plainEqual(item, b[i]))
  if (!isRecord(a) || !isRecord(b)) return false
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && plainEqual(a[key], b[key]))
  )
}

/** Writes only what differs, and of that what can be stored; undefined removes. True when something was written. */
export function put(map: Y.Map<unknown>, name: string, wanted: unknown): boolean {
  const [key, value] = [storable(name), storable(wanted)]
  if (value === undefined) {
    if (!map.has(key)) return false
    map.delete(key)
    return true
  }
  if (map.has(key) && plainEqual(map.get(key), value)) return false
  map.set(key, value)
  return true
}

/** Makes a text say `next` by replacing only what lies between the common beginning and the common end. */
export function editText(text: Y.Text, next: string): boolean {
  const before = text.toString()
  const after = storable(next)
  if (before === after) return false
  const most = Math.min(before.length, after.length)
  let start = 0
  while (start < most && before[start] === after[start]) start += 1
  if (start > 0 && isHighSurrogate(before, start - 1)) start -= 1
  let end = 0
  while (end < most - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1
  if (end > 0 && isLowSurrogate(before, before.length - end)) end -= 1
  if (before.length - start - end > 0) text.delete(start, before.length - start - end)
  if (after.length - start - end > 0) text.insert(start, after.slice(start, after.length - end))
  return true
}

function isHighSurrogate(text: string, index: number): boolean {
  const unit = text.charCodeAt(index)
  return unit >= 0xd800 && unit <= 0xdbff
}

function isLowSurrogate(text: string, index: number): boolean {
  const unit = text.charCodeAt(index)
  return unit >= 0xdc00 && unit <= 0xdfff
}
