// Reads what pipelines include on a worker's thread: it was written by others, and may be large.
import { PipelineGraphSchema, Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { GetIncludedTemplatesResponseSchema } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { utf8Length } from '@ansflow/proto/limits'
import { readTemplateFile } from '@ansflow/proto/pipeline-yaml'
import { allTemplates } from '@ansflow/proto/templates/included'
import { create, fromJsonString, toBinary } from '@bufbuild/protobuf'
import { task } from '../../../platform/worker-task.ts'
import { includedFrom, includeOf } from './read-whole.ts'
import type { ReadIncludes } from './resolve-includes.ts'

/** A file; `wrong`: the first thing that is. */
export const readTemplates = task((yaml: string) => {
  const { templates, include, problems } = readTemplateFile(yaml)
  const first = problems.find(({ severity }) => severity === Severity.ERROR)
  return {
    templates: toBinary(PipelineGraphSchema, create(PipelineGraphSchema, { templates })),
    count: templates.length,
    bytes: utf8Length(yaml),
    include: includeOf({ include }),
    wrong: first && { code: first.code, params: { ...first.params }, line: first.line },
  }
})

/** The graph of a version, in JSON: its own templates, and those that it included itself, which they may use. */
export const templatesOfVersion = task((graph: string) => {
  const templates = allTemplates(fromJsonString(PipelineGraphSchema, graph, { ignoreUnknownFields: true }))
  const bytes = toBinary(PipelineGraphSchema, create(PipelineGraphSchema, { templates }))
  return { templates: bytes, count: templates.length, bytes: bytes.length }
})

/** As a GetIncludedTemplatesResponse. */
export const describeIncludes = task((includes: ReadIncludes) =>
  toBinary(GetIncludedTemplatesResponseSchema, create(GetIncludedTemplatesResponseSchema, includedFrom(includes))),
)
