// Files and drafts with what they include, on a worker's thread.
import {
  type IncludedTemplate,
  IncludedTemplateSchema,
  IncludeSchema,
  type PipelineGraph,
  PipelineGraphSchema,
  type Problem,
} from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { project } from '@ansflow/proto/pipeline-doc'
import { parsePipeline, placesIn } from '@ansflow/proto/pipeline-yaml'
import { withIncludeProblems, withoutRepeats } from '@ansflow/proto/templates/included'
import type { AgentLabels } from '@ansflow/proto/validate'
import { create, fromBinary } from '@bufbuild/protobuf'
import type * as Y from 'yjs'
import { problemsFrom } from '../problems.ts'
import type { PlainInclude, ReadIncludes } from './resolve-includes.ts'

interface Around {
  agents?: AgentLabels | undefined
  includes?: ReadIncludes | undefined
}

export function readWhole({ yaml, agents, includes }: Around & { yaml: string }) {
  const { included, problems: found } = includedFrom(includes)
  const { graph, problems } = parsePipeline(yaml, agents, included)
  const places = found.length > 0 ? placesIn(yaml, found) : []
  const placed = found.map((each, index) => ({ ...each, ...places[index] }))
  return { graph, problems: withIncludeProblems(problems, placed) }
}

export function projectWhole(doc: Y.Doc, { agents, includes }: Around) {
  const { included, problems: found } = includedFrom(includes)
  const { problems, ...projection } = project(doc, agents, included)
  return { ...projection, problems: withIncludeProblems(problems, found) }
}

export function includedFrom(includes: ReadIncludes | undefined): {
  included: IncludedTemplate[]
  problems: Problem[]
} {
  if (!includes) return { included: [], problems: [] }
  const all = includes.brought.flatMap(({ source, entry, templates }) =>
    fromBinary(PipelineGraphSchema, templates).templates.map((template) =>
      create(IncludedTemplateSchema, { template, source: create(IncludeSchema, source), entry }),
    ),
  )
  return { included: withoutRepeats(all), problems: problemsFrom(includes.problems) }
}

export function includeOf({ include }: Pick<PipelineGraph, 'include'>): PlainInclude[] {
  return include.map(({ file, pipeline, version }) => ({ file, pipeline, version }))
}
