// Owns copying steps as text (the clipboard holds a pipeline file), pasting them, and duplicating them in place.

import { PipelineGraphSchema, type Problem, type StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create } from '@bufbuild/protobuf'
import type * as Y from 'yjs'
import { storable } from '../characters.ts'
import { parsePipeline, renderPipeline } from '../pipeline-yaml.ts'
import { edgeKind } from './apply-edges.ts'
import { stepContent } from './apply-step.ts'
import { createDeleted, newStepMap } from './edit.ts'
import { layOut } from './layout.ts'
import { orderBetween } from './order.ts'
import { projectShape } from './project.ts'
import { rewriteReferences } from './references.ts'
import { type EditOrigin, edgeKey, freeKeys, newNodeId, nextClock, type Point, rootsOf, stepMap } from './shape.ts'

/** The steps and the edges between them, as a pipeline file. */
export function copySteps(doc: Y.Doc, nodeIds: readonly string[]): string {
  const { graph } = projectShape(doc)
  return renderPipeline(
    create(PipelineGraphSchema, { name: graph.name || 'copy', steps: selected(graph.steps, nodeIds) }),
  )
}

/** Adds the steps of a pipeline file; taken keys get -2, -3 … there and in expressions. Answers the new node ids. */
export function pasteYaml(
  doc: Y.Doc,
  yaml: string,
  at: Point,
  origin: EditOrigin,
): { nodeIds: string[]; problems: Problem[] } {
  const { graph, problems } = parsePipeline(yaml)
  const places = layOut(graph.steps, new Map(), at)
  return { nodeIds: insertSteps(doc, graph.steps, places, origin), problems }
}

/** Copies with the edges among them, `by` away from the originals. Answers the new node ids. */
export function duplicateSteps(doc: Y.Doc, nodeIds: readonly string[], by: Point, origin: EditOrigin): string[] {
  const steps = selected(projectShape(doc).graph.steps, nodeIds)
  const places = new Map(
    steps.map(({ id, position }) => [id, { x: (position?.x ?? 0) + by.x, y: (position?.y ?? 0) + by.y }]),
  )
  return insertSteps(doc, steps, places, origin)
}

function selected(steps: readonly StepDefinition[], nodeIds: readonly string[]): StepDefinition[] {
  const wanted = new Set(nodeIds)
  const chosen = steps.filter((step) => wanted.has(step.nodeId))
  const ids = new Set(chosen.map(({ id }) => id))
  return chosen.map((step) => ({ ...step, needs: step.needs.filter(({ stepId }) => ids.has(stepId)) }))
}

function insertSteps(
  doc: Y.Doc,
  steps: readonly StepDefinition[],
  places: ReadonlyMap<string, Point>,
  origin: EditOrigin,
): string[] {
  if (steps.length === 0) return []
  const present = projectShape(doc).graph.steps
  const taken = new Set(present.map(({ id }) => id))
  const freeKey = freeKeys((candidate) => taken.has(candidate))
  const lastOrd = stepMap(doc, present.at(-1)?.nodeId ?? '')?.get('ord')
  let ord = typeof lastOrd === 'string' ? lastOrd : ''
  const nodeIds = new Map<string, string>()
  const successors = new Map<string, string>()
  createDeleted(doc, () => {
    for (const step of steps) {
      const key = freeKey(step.id)
      taken.add(key)
      const id = newNodeId()
      nodeIds.set(step.id, id)
      if (key !== step.id) successors.set(step.id, key)
      ord = orderBetween(ord, undefined)
      const pos = places.get(step.id) ?? { x: 0, y: 0 }
      rootsOf(doc).nodes.set(id, newStepMap({ ...stepContent(step), key, pos, ord }, origin))
    }
    rewriteReferences(doc, successors, new Set(nodeIds.values()))
  })
  doc.transact(() => {
    let clock = nextClock(doc)
    for (const step of steps) {
      const to = nodeIds.get(step.id) as string
      stepMap(doc, to)?.set('del', false)
      for (const need of step.needs) {
        const from = nodeIds.get(need.stepId)
        if (from === undefined || from === to) continue
        const c = { clock, user: origin.user }
        rootsOf(doc).edges.set(edgeKey(from, edgeKind(need.kind), to), { cond: storable(need.condition), c })
        clock += 1
      }
    }
  }, origin)
  return [...nodeIds.values()]
}
