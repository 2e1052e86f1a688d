// `changed("src/**", "!docs/**")` and `hashFiles("**/pnpm-lock.yaml")`: the lists of globs that a pipeline asks them of, and which of them
// the files that have changed match. All are looked up before a run begins, and are part of what it is for.

import type { PipelineGraph, StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { compileExpression } from '../expression.ts'
import { matcher } from '../globs.ts'
import { atOnce, type Pieces } from '../pieces.ts'
import { expressionsIn, expressionsOf } from '../step-expressions.ts'
import { allTemplates } from '../templates/included.ts'

/** What an answer is kept under, in `GitFacts.changed` and `GitFacts.fileHashes`: the list as JSON, in its order. */
export function changedKey(patterns: readonly string[]): string {
  return JSON.stringify(patterns)
}

/** Every list that a `changed(…)` of the pipeline names, once; also in templates and defaults. */
export function changedPatterns(graph: PipelineGraph): string[][] {
  return atOnce(listsOf(graph, 'changed'))
}

/** The same of `hashFiles(…)`. */
export function hashedPatterns(graph: PipelineGraph): Pieces<string[][]> {
  return listsOf(graph, 'hashFiles')
}

/**
 * For `GitFacts.changed`: whether one of the paths matches each list. `complete`: there are no others; without that, what has no
 * match is not said, and so counts as changed.
 */
export function matchChanged(
  lists: readonly (readonly string[])[],
  paths: readonly string[],
  { complete = true } = {},
): Record<string, boolean> {
  const found: Record<string, boolean> = {}
  for (const patterns of lists) {
    const isChanged = paths.some(matcher(patterns))
    if (isChanged || complete) found[changedKey(patterns)] = isChanged
  }
  return found
}

function* listsOf(graph: PipelineGraph, word: 'changed' | 'hashFiles'): Pieces<string[][]> {
  const found = new Map<string, string[]>()
  for (const sources of sourcesOf(graph)) {
    for (const source of sources) {
      if (!source.includes(word)) continue
      for (const patterns of compileExpression(source).expression?.[word] ?? []) {
        found.set(changedKey(patterns), [...patterns])
      }
    }
    yield
  }
  return [...found.values()]
}

function* sourcesOf(graph: PipelineGraph): Generator<string[]> {
  const { defaults, steps, env, outputs, concurrency } = graph
  const templates = allTemplates(graph)
  const texts = [...env, ...outputs, ...templates.flatMap((each) => each.outputs)].map(({ value }) => value)
  for (const text of [...texts, concurrency?.group ?? ''])
    yield [...expressionsIn('', text)].map(({ source }) => source)
  const all: StepDefinition[] = [...steps, ...templates.flatMap((each) => each.steps), ...(defaults ? [defaults] : [])]
  for (const step of all) yield [...expressionsOf(step)].map(({ source }) => source)
}
