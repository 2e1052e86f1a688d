// A condition taken apart where it says "and", "or" and "not": each part is an expression of its own, as it is written. The compiled
// form has no places in the text, so that the text is cut, as the language's grammar cuts it. Pure.
import { parse } from '@bufbuild/cel'
import { endOfQuote } from './template.ts'

export interface ConditionPart {
  /** `all`, `any` and `not` are of `parts`; `plain` has none. */
  kind: 'all' | 'any' | 'not' | 'plain'
  source: string
  parts: ConditionPart[]
}

const deepest = 8

/** The source has to be one that compiles. */
export function conditionParts(source: string, depth = 0): ConditionPart {
  const text = withoutBrackets(source.trim())
  const plain: ConditionPart = { kind: 'plain', source: text, parts: [] }
  if (depth === deepest) return plain
  const inner = (texts: string[]) => texts.map((each) => conditionParts(each, depth + 1))
  const cut = cutsOf(text)
  // It chooses between two: what stands in it is not asked for by itself.
  if (cut.chooses) return plain
  if (cut.any.length > 0) return { kind: 'any', source: text, parts: inner(cutAt(text, cut.any)) }
  if (cut.all.length > 0) return { kind: 'all', source: text, parts: inner(cutAt(text, cut.all)) }
  return isNot(text) ? { kind: 'not', source: text, parts: inner([text.slice(1)]) } : plain
}

/** `!a == b` is one comparison. */
function isNot(text: string): boolean {
  if (!text.startsWith('!') || text.startsWith('!!')) return false
  const kind = parse(text).expr?.exprKind
  return kind?.case === 'callExpr' && kind.value.function === '!_'
}

function cutAt(text: string, places: readonly number[]): string[] {
  return [...places, text.length].map((end, index) => text.slice(index === 0 ? 0 : places[index - 1]! + 2, end).trim())
}

interface Cuts {
  any: number[]
  all: number[]
  chooses: boolean
}

/** Where its operators stand that are within no brackets. */
function cutsOf(text: string): Cuts {
  const found: Cuts = { any: [], all: [], chooses: false }
  for (const { at, depth } of signs(text)) {
    if (depth > 0) continue
    if (text.startsWith('||', at)) found.any.push(at)
    else if (text.startsWith('&&', at)) found.all.push(at)
    else if (text[at] === '?') found.chooses = true
  }
  return found
}

/** `(a && b)` is `a && b`; `(a) && (b)` stays. */
function withoutBrackets(text: string): string {
  if (!text.startsWith('(')) return text
  for (const { at, depth } of signs(text)) {
    if (depth > 0 || text[at] !== ')') continue
    return at === text.length - 1 ? withoutBrackets(text.slice(1, -1).trim()) : text
  }
  return text
}

/** Places of all that is neither in quotes nor in a remark; those of brackets count as outside of them. */
function* signs(text: string): Generator<{ at: number; depth: number }> {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]!
    if (sign === '"' || sign === "'") {
      at = endOfQuote(text, at)
      if (at < 0) return
    } else if (text.startsWith('//', at)) {
      const end = text.indexOf('\n', at)
      if (end < 0) return
      at = end
    } else {
      if (')]}'.includes(sign)) depth--
      yield { at, depth }
      if ('([{'.includes(sign)) depth++
      if (text.startsWith('||', at) || text.startsWith('&&', at)) at++
    }
  }
}
