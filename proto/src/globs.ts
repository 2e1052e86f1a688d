// Globs over names and paths, of branches, tags, files, labels: `*` any text without a slash, `**` any text, `?` one character that
// is no slash, `[a-z]` and `[!a-z]` one of those, `{a,b}` one of these, `\` before what is meant as it stands. Capitals count, and what
// begins with a dot is nothing special. A pattern is made into an automaton that reads each character once, whoever wrote it.

import { Automaton } from './globs/automaton.ts'
import { parseGlob } from './globs/parse.ts'
import { limits } from './limits.ts'
import { shortText } from './texts/parts.ts'
import { type Said, say } from './texts/say.ts'

/** Whether a list takes a text. */
export type Matcher = (text: string) => boolean

/**
 * Of the patterns that match a text the last decides: one with `!` before it takes the text away. Where all have one, everything else
 * is taken. An empty list takes nothing; one that is no glob matches nothing.
 */
export function matcher(patterns: readonly string[]): Matcher {
  return listMatcher(patterns, (pattern) => automatonOf(pattern))
}

/** The same for texts that are no paths: a `*` is any text at all, and nothing else means anything. */
export function textMatcher(patterns: readonly string[]): Matcher {
  return listMatcher(patterns, (pattern) => ({ takes: (text) => fitsText(pattern, text) }))
}

function listMatcher(patterns: readonly string[], of: (pattern: string) => Pick<Automaton, 'takes'>): Matcher {
  // The last first: the first that matches has the last word.
  const parts = patterns
    .map((pattern) => ({ not: pattern.startsWith('!'), one: of(pattern.replace(/^!/, '')) }))
    .reverse()
  const otherwise = parts.length > 0 && parts.every(({ not }) => not)
  return (text) => {
    for (const { not, one } of parts) if (one.takes(text)) return !not
    return otherwise
  }
}

/** Whether a text is the pattern, where a `*` stands for any text. */
export function fitsText(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  if (rest.length === 0) return text === first
  if (!text.startsWith(first)) return false
  const last = rest.pop()!
  let at = first.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return text.length - last.length >= at && text.endsWith(last)
}

/** What is wrong with a pattern. `path`: it is of a file, from the root of the repository. */
export function globProblem(pattern: string, { path = false } = {}): Said | undefined {
  const shown = shortText(pattern)
  const plain = pattern.startsWith('!') ? pattern.slice(1) : pattern
  if (plain === '') return say('glob_empty')
  if (pattern.length > limits.globLength) return say('glob_long', { most: limits.globLength })
  const { mistake } = parseGlob(plain)
  if (mistake !== undefined) return say('glob_mistake', { pattern: shown, mistake })
  if (path && /^\.?\//.test(plain)) {
    return say('glob_root', { pattern: shown, write: shortText(pattern.replace(/^(!?)\.?\/+/, '$1')) })
  }
  if (path && plain.endsWith('/')) return say('glob_folder', { pattern: shown, write: shortText(`${pattern}**`) })
  return undefined
}

const cacheSize = 500
const automata = new Map<string, Automaton>()

function automatonOf(pattern: string): Automaton {
  const known = automata.get(pattern)
  if (known !== undefined) return known
  const { parts } = pattern === '' || pattern.length > limits.globLength ? { parts: undefined } : parseGlob(pattern)
  const automaton = new Automaton(parts)
  if (automata.size >= cacheSize) automata.delete(automata.keys().next().value!)
  automata.set(pattern, automaton)
  return automaton
}
