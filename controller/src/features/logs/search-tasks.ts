// Searches a piece of a log on a worker's thread. What is in hand between two pieces travels with them, so that a search of a
// large log holds no thread while its next rows are read.
import { task } from '../../platform/worker-task.ts'
import { LineSearch, type SearchState } from './line-search.ts'
import { createMatcher, type Matcher, type Query } from './matcher.ts'

export interface SearchPiece {
  query: Query
  /** From 1; what is found in lines before it does not count. */
  firstLine: number
  maxHits: number
  state: SearchState
  data: Uint8Array[]
  /** Nothing comes after these. */
  isLast: boolean
}

/** Of the searches that were here last. */
const matchers = new Map<string, Matcher>()
const remembered = 20

export const searchPiece = task(({ query, firstLine, maxHits, state, data, isLast }: SearchPiece) => {
  const began = process.threadCpuUsage()
  const search = new LineSearch(matcherOf(query), { firstLine, maxHits }, state)
  const hits = []
  for (const part of data) {
    hits.push(...search.feed(Buffer.from(part.buffer, part.byteOffset, part.byteLength)))
    if (search.full) break
  }
  if (isLast && !search.full) hits.push(...search.end())
  const { user, system } = process.threadCpuUsage(began)
  return { hits, state: search.state, full: search.full, usedMs: (user + system) / 1000 }
})

function matcherOf(query: Query): Matcher {
  const key = JSON.stringify(query)
  const matcher = matchers.get(key) ?? createMatcher(query)
  matchers.delete(key)
  matchers.set(key, matcher)
  for (const oldest of matchers.keys()) {
    if (matchers.size <= remembered) break
    matchers.delete(oldest)
  }
  return matcher
}
