// What a search looks for in a text: fixed words, or a pattern run by an engine whose time grows with the text only, so
// that no pattern can hold the controller up.
import { invalidField } from '@ansflow/proto/errors'
import { RE2JS } from 're2js'

export interface Match {
  start: number
  end: number
}

export interface Matcher {
  /** A match never crosses a line end, so that many lines may be looked at as one text. */
  manyLines: boolean
  find(text: string): Iterable<Match>
}

export interface Query {
  query: string
  regex: boolean
  matchCase: boolean
}

const longestQuery = 1000

export function createMatcher({ query, regex, matchCase }: Query): Matcher {
  if (query.length === 0) throw invalidField('query', 'is empty')
  if (query.length > longestQuery) throw invalidField('query', `has more than ${longestQuery} characters`)
  return regex ? patternMatcher(query, matchCase) : wordMatcher(query, matchCase)
}

function wordMatcher(query: string, matchCase: boolean): Matcher {
  // A literal cannot backtrack, and the platform's engine folds case without moving characters.
  const expression = new RegExp(query.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'), matchCase ? 'g' : 'gi')
  return {
    manyLines: !query.includes('\n'),
    *find(text) {
      for (const match of text.matchAll(expression)) yield { start: match.index, end: match.index + match[0].length }
    },
  }
}

function patternMatcher(query: string, matchCase: boolean): Matcher {
  const pattern = compile(query, matchCase)
  return {
    manyLines: false,
    *find(text) {
      const matcher = pattern.matcher(text)
      while (matcher.find()) {
        const match = { start: matcher.start(), end: matcher.end() }
        if (match.end > match.start) yield match
      }
    },
  }
}

function compile(query: string, matchCase: boolean): RE2JS {
  try {
    return RE2JS.compile(query, matchCase ? 0 : RE2JS.CASE_INSENSITIVE)
  } catch (error) {
    throw invalidField('query', `is not a regular expression: ${error instanceof Error ? error.message : 'unknown'}`)
  }
}
