// Graph → text. With a source, the source changed where it says something else; without, the house style.
import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { canonicalGraph } from '../canonical.ts'
import { readPipeline } from './parse.ts'
import { prettyPipeline } from './text.ts'

export function renderPipeline(graph: PipelineGraph, source?: string): string {
  if (source === undefined || source.trim() === '') return prettyPipeline(graph)
  const read = readPipeline(source)
  if (canonicalGraph(read.graph) === canonicalGraph(graph)) return source
  return prettyPipeline(graph)
}
