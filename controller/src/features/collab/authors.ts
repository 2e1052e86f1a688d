// Owns who last changed each step of an open document, as far as this controller knows for certain: what came without a name
// makes a step's author unknown again, never wrong.
import { parseEdgeKey } from '@ansflow/proto/pipeline-doc-shape'
import type * as Y from 'yjs'

export interface Author {
  id: string
  name: string
}

/** By node id; null: someone unknown. */
export type Touched = [nodeId: string, author: Author | null][]

const rememberedBatches = 200

export class Authors {
  readonly #authors = new Map<string, Author>()
  /** Since last told to peers. */
  readonly #untold = new Set<string>()
  /** Changed here, not yet in a stored batch. */
  #unstored = new Map<string, Author | null>()
  /** What other controllers said of the batches they stored, by number. */
  readonly #batches = new Map<number, Touched>()

  /** Steps that a transaction changed, by the one who made it. */
  touch(transaction: Y.Transaction, author: Author | null): void {
    for (const id of touchedSteps(transaction)) {
      this.#unstored.set(id, author)
      this.#set(id, author)
    }
  }

  /** Changes from the store up to number `seq`: unknown, but for the latest batches that were told of. */
  touchStored(transaction: Y.Transaction): void {
    for (const id of touchedSteps(transaction)) this.#set(id, null)
  }

  learn(seq: number, touched: Touched): void {
    this.#batches.set(seq, touched)
    for (const old of this.#batches.keys()) {
      if (this.#batches.size <= rememberedBatches) break
      this.#batches.delete(old)
    }
  }

  /** The document is at batch `to` now, and was at `from`. */
  reached(from: number, to: number): void {
    let first = to
    while (first > from && this.#batches.has(first)) first -= 1
    for (let seq = first + 1; seq <= to; seq += 1) {
      for (const [id, author] of this.#batches.get(seq) ?? []) this.#set(id, author)
      this.#batches.delete(seq)
    }
  }

  #set(id: string, author: Author | null): void {
    if (this.#authors.get(id)?.id === author?.id) return
    if (author) this.#authors.set(id, author)
    else this.#authors.delete(id)
    this.#untold.add(id)
  }

  /** What goes into the batch that is stored now. */
  takeUnstored(): Touched {
    const touched = [...this.#unstored]
    this.#unstored = new Map()
    return touched
  }

  takeUntold(): Touched {
    const told = [...this.#untold].map((id): Touched[number] => [id, this.#authors.get(id) ?? null])
    this.#untold.clear()
    return told
  }

  all(): Touched {
    return [...this.#authors]
  }
}

function touchedSteps(transaction: Y.Transaction): Set<string> {
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
