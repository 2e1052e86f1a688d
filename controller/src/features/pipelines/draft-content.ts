// What tasks on drafts share.
import { graphHash } from '@ansflow/proto/canonical'
import type { PipelineGraph, Problem } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { ValidatePipelineResponseSchema } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { applyGraph } from '@ansflow/proto/pipeline-doc'
import { parsePipeline, renderPipeline } from '@ansflow/proto/pipeline-yaml'
import type { FileComments } from '@ansflow/proto/pipeline-yaml/comments'
import { create, toBinary } from '@bufbuild/protobuf'
import * as Y from 'yjs'

/** The draft as a file that reads as the same graph; undefined: there is none. */
export function fileOf(graph: PipelineGraph, source: string, comments: FileComments, hash: string): string | undefined {
  const candidates = [renderPipeline(graph, source, comments), renderPipeline(graph)]
  return candidates.find((file) => graphHash(parsePipeline(file).graph) === hash)
}

export function docOf(updates: Uint8Array[]): Y.Doc {
  const doc = new Y.Doc()
  doc.transact(() => {
    for (const update of updates) Y.applyUpdateV2(doc, update)
  })
  return doc
}

/** The change (V2) that makes the document say what the file says; undefined: it does. The document says so afterwards. */
export function changeTo(doc: Y.Doc, yaml: string): Uint8Array | undefined {
  const before = Y.encodeStateVector(doc)
  let isChanged = false
  doc.on('update', () => {
    isChanged = true
  })
  applyGraph(doc, parsePipeline(yaml).graph, yaml, { user: '' })
  return isChanged ? Y.encodeStateAsUpdateV2(doc, before) : undefined
}

export function problemBytes(problems: Problem[]): Uint8Array {
  return toBinary(ValidatePipelineResponseSchema, create(ValidatePipelineResponseSchema, { problems }))
}
