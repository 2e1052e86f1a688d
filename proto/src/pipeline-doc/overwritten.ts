// Remembers under each value of the document the one that it took the place of, so that undoing it leaves a value: Yjs takes away the
// later of two that were set at once, and does not bring back what stood there, because a third person's came in between.
import * as Y from 'yjs'

export interface Overwritten {
  /** To be called after every transaction, before what it deleted is forgotten. */
  note(transaction: Y.Transaction): void
  /** Within the transaction of an undo. True: the value is now the one before; false: there was none, or another stands there. */
  bringBack(item: Y.Item): boolean
}

export function rememberOverwritten(): Overwritten {
  const before = new WeakMap<Y.Item, { value: unknown }>()
  return {
    note({ changed, beforeState, deleteSet }) {
      for (const [type, keys] of changed) {
        for (const key of keys) {
          const item = key === null ? undefined : type._map.get(key)
          const left = item?.left
          if (!item || !left || item.deleted) continue
          // One that was there, or one that came later and lost.
          const came = left.id.clock >= (beforeState.get(left.id.client) ?? 0)
          if (!came && !Y.isDeleted(deleteSet, left.id)) continue
          if (left.content instanceof Y.ContentAny) before.set(item, { value: left.content.arr.at(-1) })
        }
      }
    },
    bringBack(item) {
      const { parent, parentSub } = item
      const found = before.get(item)
      if (!found || parentSub === null || !(parent instanceof Y.Map) || item.deleted) return false
      parent.set(parentSub, found.value)
      return true
    },
  }
}
