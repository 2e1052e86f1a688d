// `${{ expression }}` inside texts: finding the parts, and putting values in their place.
import type { JsonValue } from '@bufbuild/protobuf'
import { limits } from '../limits.ts'
import { type Said, say } from '../texts/say.ts'
import { ExpressionError } from './compile.ts'
import { type ExpressionContext, evaluate, toText } from './evaluate.ts'

/** A piece of a text: as it is, or the inside of a `${{ }}` that begins at `offset`. */
export type TemplatePart = { kind: 'text'; text: string } | { kind: 'expression'; source: string; offset: number }

/** True when the text needs `interpolate`: it holds `${{`, be it escaped. */
export function hasExpression(text: string): boolean {
  return text.includes('${{')
}

/** The pieces of a text. `$${{` stands for a literal `${{`. */
export function parseTemplate(text: string): { parts: TemplatePart[]; error?: Said } {
  const parts: TemplatePart[] = []
  let literal = ''
  let at = 0
  for (;;) {
    const start = text.indexOf('${{', at)
    if (start < 0) break
    if (start > at && text[start - 1] === '$') {
      literal += `${text.slice(at, start - 1)}\${{`
      at = start + 3
      continue
    }
    const end = closing(text, start + 3)
    if (end < 0) {
      return { parts, error: say('expression_open', { column: start + 1 }) }
    }
    literal += text.slice(at, start)
    if (literal !== '') parts.push({ kind: 'text', text: literal })
    literal = ''
    parts.push({ kind: 'expression', source: text.slice(start + 3, end).trim(), offset: start })
    at = end + 2
  }
  literal += text.slice(at)
  if (literal !== '') parts.push({ kind: 'text', text: literal })
  return { parts }
}

/** Where the `}}` is that closes: outside of quotes and of the expression's own braces. */
function closing(text: string, from: number): number {
  let depth = 0
  for (let i = from; i < text.length; i++) {
    const character = text[i]!
    if (character === '"' || character === "'") {
      i = endOfQuote(text, i)
      if (i < 0) return -1
    } else if (character === '{') depth++
    else if (character === '}') {
      if (depth > 0) depth--
      else if (text[i + 1] === '}') return i
    }
  }
  return -1
}

/** Of what begins at `start` with a quote: where the last one is; -1: nowhere. */
export function endOfQuote(text: string, start: number): number {
  const quote = text[start]!
  const raw =
    /[rR][bB]?$/.test(text.slice(Math.max(0, start - 2), start)) &&
    !/[\w][rR]$/.test(text.slice(Math.max(0, start - 2), start))
  const triple = text.startsWith(quote.repeat(3), start)
  const end = triple ? quote.repeat(3) : quote
  for (let i = start + end.length; i < text.length; i++) {
    if (text[i] === '\\' && !raw) i++
    else if (text.startsWith(end, i)) return i + end.length - 1
  }
  return -1
}

/** The text with every `${{ }}` replaced by its value. Throws an ExpressionError. */
export function interpolate(text: string, context: ExpressionContext): string {
  if (!hasExpression(text)) return text
  let result = ''
  for (const part of partsOf(text)) {
    result += part.kind === 'text' ? part.text : toText(evaluate(part.source, context))
    if (result.length > limits.textLength) throw new ExpressionError(say('text_large'))
  }
  return result
}

/** Like `interpolate`, but a text that is one expression alone gives the expression's value in its own type. */
export function interpolateValue(text: string, context: ExpressionContext): JsonValue {
  if (!hasExpression(text)) return text
  const parts = partsOf(text)
  const [only] = parts
  if (parts.length === 1 && only?.kind === 'expression') return evaluate(only.source, context)
  return interpolate(text, context)
}

function partsOf(text: string): TemplatePart[] {
  const { parts, error } = parseTemplate(text)
  if (error !== undefined) throw new ExpressionError(error)
  return parts
}
