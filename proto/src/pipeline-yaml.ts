// The pipeline file: text → graph with problems, and graph → text that keeps what people wrote.
import type { IncludedTemplate, PipelineGraph, Problem } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { readPipeline } from './pipeline-yaml/parse.ts'
import type { AgentLabels } from './validate.ts'

export { renderPipeline } from './pipeline-yaml/render.ts'
export { isTemplateFile, readTemplateFile, type TemplateFile } from './pipeline-yaml/template-file.ts'

/**
 * `included`: what its `include` brings; without it templates that may come from there are not missed.
 *
 * The graph as far as the text can be understood, and everything wrong with it; no error among the problems means it can run.
 * `unread` are the problems of what the graph does not say; the others would be found in the graph alone too.
 */
export function parsePipeline(
  yaml: string,
  agents?: AgentLabels,
  included?: readonly IncludedTemplate[],
): { graph: PipelineGraph; problems: Problem[]; unread: Problem[] } {
  const { graph, problems, unread } = readPipeline(yaml, agents, included)
  return { graph, problems, unread }
}

/** Where a problem of the graph stands in a text of it; the first line where the text says nothing of it. */
export function placeOfProblem(yaml: string, problem: Pick<Problem, 'stepId' | 'field'>): TextPlace {
  return placesIn(yaml, [problem])[0]!
}

/** The same of several, read once. */
export function placesIn(yaml: string, problems: readonly Pick<Problem, 'stepId' | 'field'>[]): TextPlace[] {
  const { find } = readPipeline(yaml)
  return problems.map(({ stepId, field }) => {
    const { line, col } = find(stepId === '' ? { field } : { stepId, field }) ?? { line: 1, col: 1 }
    return { line, column: col }
  })
}

interface TextPlace {
  line: number
  column: number
}
