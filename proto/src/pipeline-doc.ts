// The shared pipeline document: one door to its shape, its reading (`project`) and the operations on it.
import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import * as Y from 'yjs'
import { applyGraph } from './pipeline-doc/apply.ts'
import { docSchema, rootsOf, seedOrigin } from './pipeline-doc/shape.ts'

export { applyGraph } from './pipeline-doc/apply.ts'
export { copySteps, duplicateSteps, pasteYaml } from './pipeline-doc/copy.ts'
export type { ProjectedEdge } from './pipeline-doc/edges.ts'
export * from './pipeline-doc/edit.ts'
export { createGate, type Gate } from './pipeline-doc/gate.ts'
export {
  type DeletedStep,
  type Projection,
  project,
  projectDeletedStep,
  projectShape,
  stepKeys,
} from './pipeline-doc/project.ts'
export { createShapeReader, type ShapeReader } from './pipeline-doc/reader.ts'
export { removeSteps } from './pipeline-doc/remove.ts'
export { inputIds } from './pipeline-doc/settings.ts'
export * from './pipeline-doc/shape.ts'
export { createUndo, type Undo, type UndoOutcome } from './pipeline-doc/undo.ts'
export {
  addInput,
  removeInput,
  renameEnv,
  setEnv,
  setInput,
  setManualTrigger,
  setSetting,
  setTrigger,
} from './pipeline-doc/variables.ts'

/** A document for a new pipeline. Only the server seeds: two seeds of one document would both stay. */
export function newDoc(graph?: PipelineGraph, source = ''): Y.Doc {
  const doc = new Y.Doc()
  doc.transact(() => rootsOf(doc).meta.set('schema', docSchema), seedOrigin)
  if (graph) applyGraph(doc, graph, source, seedOrigin)
  return doc
}
