// Finds the steps that a change of a document concerns.
import { parseEdgeKey } from '@ansflow/proto/pipeline-doc/shape'
import type * as Y from 'yjs'

export function touchedSteps(transaction: Y.Transaction): Set<string> {
  const { doc } = transaction
  const nodes = doc.getMap('nodes')
  const edges = doc.getMap('edges')
  const found = new Set<string>()
  for (const [changed, keys] of transaction.changed) {
    let type: unknown = changed
    if (type === nodes || type === edges) {
      for (const key of keys) {
        // A line belongs to the step that waits because of it.
        const id = key === null ? undefined : type === nodes ? key : parseEdgeKey(key)?.to
        if (id !== undefined) found.add(id)
      }
      continue
    }
    let parent = changed.parent
    while (parent && parent !== nodes) {
      type = parent
      parent = parent.parent
    }
    const item = (type as Y.AbstractType<unknown>)._item
    if (parent === nodes && typeof item?.parentSub === 'string') found.add(item.parentSub)
  }
  return found
}
