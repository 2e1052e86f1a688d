// Owns making the shared document say what a graph says, by the fewest writes: for YAML typing, the API, restores, templates.

import { type PipelineGraph, type StepDefinition, StepDefinitionSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { type JsonObject, toJson } from '@bufbuild/protobuf'
import type * as Y from 'yjs'
import { changedComments, writeComments } from './apply-comments.ts'
import { writeEdges } from './apply-edges.ts'
import { stepContent, writeSettings, writeStep } from './apply-step.ts'
import { createDeleted, newStepMap } from './edit.ts'
import { layOut } from './layout.ts'
import { reorder } from './order.ts'
import { projectShape, stepKeys } from './project.ts'
import { type EditOrigin, newNodeId, type Point, put, rootsOf, stepMap } from './shape.ts'

/**
 * Makes the document mean `graph`, and remembers `source` as the text it came from. Steps are found by their key (or, when
 * only the key changed, by their content) and keep node id and place; what is equal is not written.
 */
export function applyGraph(doc: Y.Doc, graph: PipelineGraph, source: string, origin: EditOrigin): void {
  const comments = changedComments(doc, source)
  const matched = matchSteps(doc, graph)
  const places = placesOf(doc, graph, matched.nodeIds)
  const created = graph.steps.filter((step) => matched.created.has(step.id))
  if (created.length > 0) {
    createDeleted(doc, () => {
      for (const step of created) {
        const id = matched.nodeIds.get(step.id) as string
        const pos = places.get(step.id) ?? { x: 0, y: 0 }
        rootsOf(doc).nodes.set(id, newStepMap({ ...stepContent(step), pos, ord: '' }, origin))
      }
    })
  }
  const noted = writeComments(doc, comments, matched.nodeIds)
  doc.transact(() => {
    for (const id of matched.removed) stepMap(doc, id)?.set('del', { by: origin.user, at: Date.now() })
    for (const step of graph.steps) {
      const map = stepMap(doc, matched.nodeIds.get(step.id) as string)
      if (!map) continue
      if (map.get('del') !== undefined) put(map, 'del', false)
      const place = places.get(step.id)
      if (place) put(map, 'pos', place)
      writeStep(map, step)
    }
    writeOrder(doc, graph, matched.nodeIds)
    writeKeys(doc, matched.nodeIds)
    writeEdges(doc, graph.steps, matched.nodeIds, origin)
    writeSettings(doc, graph)
    noted()
    put(rootsOf(doc).meta, 'source', source)
  }, origin)
}

interface Matched {
  /** Node id of every step of the graph, by its key. */
  nodeIds: Map<string, string>
  /** Keys of the steps that are new. */
  created: Set<string>
  /** Node ids that the graph does not have. */
  removed: Set<string>
}

function matchSteps(doc: Y.Doc, graph: PipelineGraph): Matched {
  const { graph: before, deleted } = projectShape(doc)
  const nodeIds = new Map<string, string>()
  const removed = new Set<string>()
  const wanted = new Set(graph.steps.map(({ id }) => id))
  for (const step of before.steps) {
    if (wanted.has(step.id)) nodeIds.set(step.id, step.nodeId)
    else removed.add(step.nodeId)
  }
  const gone = Map.groupBy(before.steps.filter((step) => removed.has(step.nodeId)).reverse(), contentOf)
  const deletedByKey = Map.groupBy(deleted, ({ key }) => key)
  const created = new Set<string>()
  for (const step of graph.steps) {
    if (nodeIds.has(step.id)) continue
    const renamed = gone.get(contentOf(step))?.pop()?.nodeId
    // A step that was deleted and comes back by the same key is the same step: it keeps its place and its texts.
    const restored = deletedByKey
      .get(step.id)
      ?.find(({ nodeId }) => stepMap(doc, nodeId)?.get('type') === step.uses)?.nodeId
    const nodeId = renamed ?? restored ?? newNodeId()
    removed.delete(nodeId)
    nodeIds.set(step.id, nodeId)
    if (renamed === undefined && restored === undefined) created.add(step.id)
  }
  return { nodeIds, created, removed }
}

/** What makes two steps the same but for their key and edges. */
function contentOf(step: StepDefinition): string {
  const {
    id: _id,
    needs: _needs,
    nodeId: _nodeId,
    position: _position,
    ...content
  } = toJson(StepDefinitionSchema, step) as JsonObject
  return JSON.stringify(content, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
}

/** Places for the new steps only. */
function placesOf(doc: Y.Doc, graph: PipelineGraph, nodeIds: ReadonlyMap<string, string>): Map<string, Point> {
  const placed = new Map<string, Point>()
  const given = new Map<string, Point>()
  for (const step of graph.steps) {
    const present = stepMap(doc, nodeIds.get(step.id) as string)?.get('pos') as Point | undefined
    if (present) {
      placed.set(step.id, present)
    } else if (step.position) {
      const { x, y } = step.position
      given.set(step.id, { x, y })
      placed.set(step.id, { x, y })
    }
  }
  return new Map([...given, ...layOut(graph.steps, placed)])
}

function writeOrder(doc: Y.Doc, graph: PipelineGraph, nodeIds: ReadonlyMap<string, string>): void {
  const items = graph.steps.map((step) => {
    const id = nodeIds.get(step.id) as string
    const ord = stepMap(doc, id)?.get('ord')
    return { id, ord: typeof ord === 'string' && ord !== '' ? ord : undefined }
  })
  for (const [id, ord] of reorder(items)) stepMap(doc, id)?.set('ord', ord)
}

/** A key is written only where the document would otherwise be read as another one. */
function writeKeys(doc: Y.Doc, nodeIds: ReadonlyMap<string, string>): void {
  for (let wrote = true; wrote; ) {
    wrote = false
    const keys = stepKeys(doc)
    for (const [key, id] of nodeIds) {
      const map = stepMap(doc, id)
      if (map && keys.get(id) !== key) wrote = put(map, 'key', key) || wrote
    }
  }
}
