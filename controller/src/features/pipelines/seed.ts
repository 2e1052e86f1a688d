// The first state of a draft.
import { graphHash } from '@ansflow/proto/canonical'
import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { newDoc } from '@ansflow/proto/pipeline-doc'
import * as Y from 'yjs'

export interface Seed {
  name: string
  hash: string
  /** In V2 encoding. */
  state: Uint8Array
}

export function seedOf(graph: PipelineGraph, source: string): Seed {
  const doc = newDoc(graph, source)
  return { name: graph.name, hash: graphHash(graph), state: Y.encodeStateAsUpdateV2(doc) }
}
