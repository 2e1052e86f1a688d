// Owns the repeated reading of a living document: between two readings only the steps that changed are read from it again.

import type { Problem, StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type * as Y from 'yjs'
import { type Projection, projectShape } from './project.ts'
import { rootsOf, type StepMap } from './shape.ts'
import { projectStep } from './step.ts'

export interface ShapeReader {
  /** What `projectShape` says, at the cost of what changed since the last reading and one look at every edge. */
  read(): Projection
  destroy(): void
}

interface KnownStep {
  map: StepMap
  key: string
  step: StepDefinition
  problems: Problem[]
}

export function createShapeReader(doc: Y.Doc): ShapeReader {
  const { nodes } = rootsOf(doc)
  const known = new Map<string, KnownStep>()
  const forget = (events: Y.YEvent<Y.AbstractType<unknown>>[]) => {
    for (const event of events) {
      if (event.path.length > 0) known.delete(String(event.path[0]))
      else for (const nodeId of event.changes.keys.keys()) known.delete(nodeId)
    }
  }
  nodes.observeDeep(forget)

  function readStep(nodeId: string, key: string, map: StepMap, problems: Problem[]): StepDefinition {
    let found = known.get(nodeId)
    if (!found || found.key !== key || found.map !== map) {
      const own: Problem[] = []
      found = { map, key, step: projectStep(nodeId, key, map, own), problems: own }
      known.set(nodeId, found)
    }
    problems.push(...found.problems)
    const { step } = found
    // The projection writes into these two: what a step waits for, and where it is moved when it lies on another.
    return { ...step, needs: [], ...(step.position ? { position: { ...step.position } } : {}) }
  }

  return {
    read: () => projectShape(doc, readStep),
    destroy: () => nodes.unobserveDeep(forget),
  }
}
