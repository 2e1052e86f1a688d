// Reads a draft as people see it: graph, file, problems, hash.
import { graphHash } from '@ansflow/proto/canonical'
import { type PipelineGraph, type Problem, ProblemSchema, Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { project } from '@ansflow/proto/pipeline-doc'
import { renderPipeline } from '@ansflow/proto/pipeline-yaml'
import { create } from '@bufbuild/protobuf'
import type * as Y from 'yjs'

export interface DraftContent {
  graph: PipelineGraph
  yaml: string
  problems: Problem[]
  hash: string
}

export function draftContent(doc: Y.Doc): DraftContent {
  const { graph, problems, source } = project(doc)
  return { graph, yaml: renderPipeline(graph, source), problems, hash: graphHash(graph) }
}

export function nameProblem(name: string): Problem {
  return create(ProblemSchema, {
    severity: Severity.ERROR,
    code: 'name_taken',
    message: `The project has another pipeline named "${name}". Choose another name.`,
    field: 'name',
    params: { name },
  })
}

export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some(({ severity }) => severity === Severity.ERROR)
}
