// Owns who last changed each step of an open document, as far as this controller knows for certain: what came without a name
// makes a step's author unknown again, never wrong.

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

  /** Steps that someone's change concerns. */
  touch(steps: Iterable<string>, author: Author | null): void {
    for (const id of steps) {
      this.#unstored.set(id, author)
      this.#set(id, author)
    }
  }

  /** Changes from the store up to number `seq`: unknown, but for the latest batches that were told of. */
  touchStored(steps: Iterable<string>): void {
    for (const id of steps) this.#set(id, null)
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
