// Owns the rewriting of step keys inside expressions: `steps.<key>` and `steps["<key>"]` in CEL, and in ${{ }} within texts.
import * as Y from 'yjs'
import { configFields } from '../fields/step-fields.ts'
import { edgeValue, isDeleted, isRecord, type Plain, put, rootsOf, stepPart } from './shape.ts'

interface Edit {
  at: number
  length: number
  insert: string
}

const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/
const reference = /(?<![\w.$])steps\s*(?:\.\s*([A-Za-z_][\w-]*)|\[\s*(?:"([^"\\]*)"|'([^'\\]*)')\s*\])/g

/** Edits to a CEL expression so that it names the keys' successors; from the end, so that places stay right. */
function expressionEdits(cel: string, successors: ReadonlyMap<string, string>, offset = 0): Edit[] {
  const edits: Edit[] = []
  for (const match of cel.matchAll(reference)) {
    const next = successorOf(match, successors)
    if (next !== undefined) edits.unshift({ at: offset + match.index, ...next })
  }
  return edits
}

function successorOf(match: RegExpExecArray, successors: ReadonlyMap<string, string>): Omit<Edit, 'at'> | undefined {
  const quoted = match[2] ?? match[3]
  if (quoted !== undefined) {
    const next = successors.get(quoted)
    const quote = match[2] === undefined ? "'" : '"'
    return next === undefined ? undefined : { length: match[0].length, insert: `steps[${quote}${next}${quote}]` }
  }
  const dotted = match[1] as string
  // In CEL a minus ends a name: in `steps.a-2` the step is `a`, unless there is a step `a-2` that can only be meant.
  const key = successors.has(dotted) ? dotted : dotted.split('-')[0]
  const next = key === undefined ? undefined : successors.get(key)
  if (key === undefined || next === undefined) return undefined
  const length = match[0].length - (dotted.length - key.length)
  return { length, insert: identifier.test(next) ? `steps.${next}` : `steps["${next}"]` }
}

function textEdits(text: string, successors: ReadonlyMap<string, string>): Edit[] {
  const edits: Edit[] = []
  for (let start = text.indexOf('${{'); start >= 0; ) {
    const end = text.indexOf('}}', start + 3)
    // Looked for once: a text of nothing but beginnings would cost its square.
    if (end < 0) break
    edits.unshift(...expressionEdits(text.slice(start + 3, end), successors, start + 3))
    start = text.indexOf('${{', end + 2)
  }
  return edits
}

function applyEdits(text: string, edits: readonly Edit[]): string {
  let result = text
  for (const { at, length, insert } of edits) result = result.slice(0, at) + insert + result.slice(at + length)
  return result
}

export function rewriteExpression(cel: string, successors: ReadonlyMap<string, string>): string {
  return applyEdits(cel, expressionEdits(cel, successors))
}

/** In every string of a plain value. */
export function rewriteValue(value: Plain, successors: ReadonlyMap<string, string>): Plain {
  if (typeof value === 'string') return applyEdits(value, textEdits(value, successors))
  if (Array.isArray(value)) return value.map((item) => rewriteValue(item, successors))
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rewriteValue(item as Plain, successors)]))
}

/** In the whole document; call inside the transaction that renames. Limited to `nodeIds` when given. */
export function rewriteReferences(
  doc: Y.Doc,
  successors: ReadonlyMap<string, string>,
  nodeIds?: ReadonlySet<string>,
): void {
  const roots = rootsOf(doc)
  for (const [id, step] of roots.nodes) {
    if (!(step instanceof Y.Map) || (nodeIds ? !nodeIds.has(id) : isDeleted(step))) continue
    const cfg = stepPart(step, 'cfg')
    for (const { key, kind } of configFields) {
      if (!cfg || kind.expressions === 'none') continue
      for (const place of kind.suffixes.map((suffix) => key + suffix)) {
        const value = cfg.get(place) as Plain | undefined
        if (value === undefined) continue
        const isCondition = kind.expressions === 'condition' && typeof value === 'string'
        put(cfg, place, isCondition ? rewriteExpression(value, successors) : rewriteValue(value, successors))
      }
    }
    const name = step.get('name')
    if (typeof name === 'string') put(step, 'name', rewriteValue(name, successors))
    rewriteEntries(stepPart(step, 'params'), successors)
    rewriteEntries(stepPart(step, 'env'), successors)
    for (const text of stepPart(step, 'texts')?.values() ?? []) {
      if (!(text instanceof Y.Text)) continue
      for (const { at, length, insert } of textEdits(text.toString(), successors)) {
        text.delete(at, length)
        text.insert(at, insert)
      }
    }
  }
  if (nodeIds) return
  for (const [key, stored] of roots.edges) {
    const edge = edgeValue(stored)
    const cond = rewriteExpression(edge.cond, successors)
    if (cond !== edge.cond) roots.edges.set(key, { ...edge, cond })
  }
}

function rewriteEntries(map: Y.Map<unknown> | undefined, successors: ReadonlyMap<string, string>): void {
  if (!map) return
  for (const [key, value] of [...map]) put(map, key, rewriteValue(value as Plain, successors))
}
