// What becomes of a condition's parts: each with its value, and what it reads; those that nobody asks are said to be so. Pure.
import { type ConditionPart, compileExpression, conditionParts } from '@ansflow/proto/expression'
import type { Said } from '@ansflow/proto/texts/say'
import type { JsonValue } from '@bufbuild/protobuf'

/** What an expression gives. */
export interface ForeseenValue {
  source: string
  /** Absent where it is not known yet, or fails. */
  value?: JsonValue
  /** Steps that have to end first; empty with `atStart`, where the run has to begin. */
  waitsFor: string[]
  atStart: boolean
  problem?: Said
}
type Found = Omit<ForeseenValue, 'source'>

export interface ForeseenPiece extends Found {
  /** 0: the whole. */
  depth: number
  kind: ConditionPart['kind']
  source: string
  /** One before it decides already. */
  unasked: boolean
  /** Of a plain one: what it reads, as far as that is known. */
  reads: { source: string; value: JsonValue }[]
}

const mostPieces = 50
const mostReads = 3

/** The whole first, each before its own parts. Empty: they are too many. `ask` says what an expression gives. */
export function piecesOf(whole: ForeseenValue, ask: (source: string) => Found): ForeseenPiece[] {
  const parts = conditionParts(whole.source)
  if (count(parts) > mostPieces) return []
  const isOpen = whole.value === undefined && whole.problem === undefined
  const told: ForeseenPiece[] = []
  tell(parts, 0)
  const { value, waitsFor, atStart, problem } = whole
  const first = told[0]!
  told[0] = { ...without(first), waitsFor, atStart, ...(value !== undefined && { value }), ...(problem && { problem }) }
  return told

  function tell({ kind, source, parts: inner }: ConditionPart, depth: number): Found {
    const at = told.push({ depth, kind, source, unasked: false, reads: [], waitsFor: [], atStart: false }) - 1
    const found =
      kind === 'plain'
        ? ask(source)
        : kind === 'not'
          ? negated(tell(inner[0]!, depth + 1))
          : together(kind, inner, depth + 1)
    told[at] = { ...told[at]!, ...found, source, reads: kind === 'plain' ? readBy(source) : [] }
    return found
  }

  function together(kind: 'all' | 'any', inner: readonly ConditionPart[], depth: number): Found {
    const decides = kind === 'any'
    const found: Found[] = []
    let decided = false
    for (const part of inner) {
      if (decided) {
        const { kind: as, source } = part
        told.push({ depth, kind: as, source, unasked: true, reads: [], waitsFor: [], atStart: false })
        continue
      }
      const one = tell(part, depth)
      found.push(one)
      // Of what is not known as a whole all parts are looked at.
      decided = one.value === decides && !isOpen
    }
    if (found.some(({ value }) => value === decides)) return { value: decides, waitsFor: [], atStart: false }
    const problem = found.find((one) => one.problem)
    if (problem) return problem
    if (found.every(({ value }) => value === !decides)) return { value: !decides, waitsFor: [], atStart: false }
    const waitsFor = [...new Set(found.flatMap((one) => one.waitsFor))]
    return { waitsFor, atStart: found.some(({ atStart }) => atStart) }
  }

  function readBy(source: string): ForeseenPiece['reads'] {
    const texts = (compileExpression(source).expression?.references ?? [])
      .filter(({ path, dynamic }) => path.length > 0 && !dynamic)
      .map(({ root, path }) => root + path.map(fieldText).join(''))
    return [...new Set(texts)]
      .filter((text) => text !== source)
      .slice(0, mostReads)
      .flatMap((text) => {
        const { value } = ask(text)
        return value === undefined ? [] : [{ source: text, value }]
      })
  }
}

function negated({ value, ...found }: Found): Found {
  return typeof value === 'boolean' ? { ...found, value: !value } : found
}

function without({ value: _, problem: __, ...piece }: ForeseenPiece): ForeseenPiece {
  return piece
}

function count({ parts }: ConditionPart): number {
  return parts.reduce((sum, part) => sum + count(part), 1)
}

function fieldText(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`
}
