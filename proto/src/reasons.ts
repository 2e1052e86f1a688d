// Reasons: why a step or a run waits, or ended as it did. To add one: its entry in reasons/table.ts.

import { titled } from './problem-text.ts'
import { type ReasonCode, type ReasonParams, reasonTable } from './reasons/table.ts'
import { innerSentence } from './texts/said-text.ts'
import { inside, type Said } from './texts/say.ts'
import { type Language, type Params, type Shown, write } from './texts/template.ts'

export type { ReasonCode, ReasonParams } from './reasons/table.ts'
export type { Shown } from './texts/template.ts'

export interface Reason {
  code: ReasonCode
  params: Record<string, string>
}

export const reasonCodes = Object.keys(reasonTable) as ReasonCode[]

export function isReasonCode(code: string): code is ReasonCode {
  return Object.hasOwn(reasonTable, code)
}

type Given<C extends ReasonCode> = Record<never, never> extends ReasonParams<C> ? [ReasonParams<C>?] : [ReasonParams<C>]

export function reason<C extends ReasonCode>(code: C, ...[params]: Given<C>): Reason {
  return { code, params: (params ?? {}) as Record<string, string> }
}

export function sameReason(a: Reason | null, b: Reason | null): boolean {
  if (a === b) return true
  if (!a || !b || a.code !== b.code) return false
  const keys = Object.keys(a.params)
  return keys.length === Object.keys(b.params).length && keys.every((key) => a.params[key] === b.params[key])
}

/** A reason that is what was said, perhaps with more. */
export function saidReason(code: ReasonCode, said: Said, more: Record<string, string> = {}): Reason {
  return { code, params: { ...inside(said), ...more } }
}

export function sentence(
  code: ReasonCode,
  params: Params,
  language: Language,
  shown: Shown = titled(language),
): string {
  return write(reasonTable[code], params, language, shown, (given) => innerSentence(given, language, shown))
}

/** In English. A code that a newer controller has stored is all that is known of it. */
export function reasonText({ code, params }: Reason): string {
  return isReasonCode(code) ? sentence(code, params, 'en') : code
}
