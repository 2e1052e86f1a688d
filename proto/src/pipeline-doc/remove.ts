// Owns deleting steps so that what waited for them still waits: for what they waited for themselves.
import type * as Y from 'yjs'
import type { ProjectedEdge } from './edges.ts'
import { connect, setDeleted } from './edit.ts'
import { projectShape } from './project.ts'
import type { EditOrigin } from './shape.ts'

/**
 * Deletes, and draws a line from everything that stood before the steps to everything that stood behind them, of the kind and with
 * the condition of the line that went there. Answers the keys of the lines that are new, to be taken out when the steps come back.
 */
export function removeSteps(doc: Y.Doc, nodeIds: readonly string[], origin: EditOrigin): string[] {
  const gone = new Set(nodeIds)
  const edges = projectShape(doc).edges.filter(({ suspended }) => !suspended)
  const into = Map.groupBy(edges, ({ to }) => to)
  const between = new Set(edges.map(({ from, to }) => `${from}>${to}`))
  const drawn: string[] = []
  doc.transact(() => {
    setDeleted(doc, nodeIds, true, origin)
    for (const { from, to, kind, condition } of edges) {
      if (!gone.has(from) || gone.has(to)) continue
      for (const before of beginnings(from, gone, into)) {
        if (between.has(`${before}>${to}`)) continue
        between.add(`${before}>${to}`)
        const key = connect(doc, before, to, origin, { kind, condition })
        if (key !== undefined) drawn.push(key)
      }
    }
  }, origin)
  return drawn
}

/** What stays of all that stands before a step. */
function beginnings(
  step: string,
  gone: ReadonlySet<string>,
  into: ReadonlyMap<string, readonly ProjectedEdge[]>,
  seen = new Set<string>(),
): string[] {
  if (seen.has(step)) return []
  seen.add(step)
  return (into.get(step) ?? []).flatMap(({ from }) => (gone.has(from) ? beginnings(from, gone, into, seen) : [from]))
}
