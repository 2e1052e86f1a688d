// What is wrong with a pipeline that is kept in AnsFlow alone, and so has no repository of its own.
import type { PipelineGraph, Problem } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { compileExpression } from '../expression.ts'
import { atOnce } from '../pieces.ts'
import { expressionsOf } from '../step-expressions.ts'
import { say } from '../texts/say.ts'
import { hashedPatterns } from '../triggers/changed.ts'
import { problemOf } from '../validate.ts'

/** Warnings of one that is no file of a repository. */
export function noRepositoryProblems(graph: PipelineGraph): Problem[] {
  const { push, pullRequest, comments = [], release, runs = [] } = graph.triggers ?? {}
  if (push || pullRequest || release || comments.length > 0 || runs.length > 0) return []
  if (atOnce(hashedPatterns(graph)).length === 0) return []
  return [problemOf({ ...placeOfHash(graph), said: say('hash_files_none'), warning: true })]
}

/** The first that asks; empty: it is none of the pipeline's own steps. */
function placeOfHash({ steps }: PipelineGraph): { stepId?: string; field?: string } {
  for (const step of steps) {
    for (const { field, source } of expressionsOf(step)) {
      const { expression } = source.includes('hashFiles') ? compileExpression(source) : {}
      if (expression && expression.hashFiles.length > 0) return { stepId: step.id, field }
    }
  }
  return {}
}
