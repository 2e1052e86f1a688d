// Owns writing a graph's edges into the shared document, so that exactly those count.
import { NeedKind, type StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type * as Y from 'yjs'
import { projectEdges } from './edges.ts'
import { stepKeys } from './project.ts'
import {
  compareEdges,
  type EdgeKind,
  type EdgeValue,
  type EditOrigin,
  edgeKey,
  edgeValue,
  nextClock,
  put,
  rootsOf,
} from './shape.ts'

/** Call inside a transaction, after the steps are written. */
export function writeEdges(
  doc: Y.Doc,
  steps: readonly StepDefinition[],
  nodeIds: ReadonlyMap<string, string>,
  origin: EditOrigin,
): void {
  const { edges } = rootsOf(doc)
  const wanted = new Set<string>()
  let clock = nextClock(doc)
  for (const step of steps) {
    let previous: { key: string; c: EdgeValue['c'] } | undefined
    for (const need of step.needs) {
      const from = nodeIds.get(need.stepId)
      const to = nodeIds.get(step.id)
      if (from === undefined || to === undefined || from === to) continue
      const key = edgeKey(from, edgeKind(need.kind), to)
      if (wanted.has(key)) continue
      wanted.add(key)
      let c = edges.has(key) ? edgeValue(edges.get(key)).c : undefined
      // Needs are read in the order of their clocks: one that stands earlier than in the graph is made later.
      if (!c || (previous && compareEdges(previous, { key, c }) >= 0)) {
        c = { clock, user: origin.user }
        clock += 1
      }
      put(edges, key, { cond: need.condition, c } satisfies EdgeValue)
      previous = { key, c }
    }
  }
  removeOthers(doc, wanted)
}

/**
 * Edges that count and are not wanted go. Those that do not count stay: ends of deleted steps come back with their step, and
 * suspended ones are still somebody's question; unless removing others makes them count.
 */
function removeOthers(doc: Y.Doc, wanted: ReadonlySet<string>): void {
  const { edges } = rootsOf(doc)
  const keys = stepKeys(doc)
  for (let removed = true; removed; ) {
    removed = false
    for (const { key, suspended } of projectEdges(edges, [], keys, [])) {
      if (suspended || wanted.has(key)) continue
      edges.delete(key)
      removed = true
    }
  }
}

export function edgeKind(kind: NeedKind): EdgeKind {
  if (kind === NeedKind.FAILURE) return 'failure'
  return kind === NeedKind.ALWAYS ? 'always' : 'success'
}
