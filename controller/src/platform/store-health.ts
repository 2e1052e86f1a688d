// Whether the store takes changes: told by what others have just done with it, else found out by making one.

export interface StoreHealth {
  /** A change was committed. */
  wrote(): void
  /** One was refused, for a reason that is the store's own. */
  failed(): void
  writable(): Promise<boolean>
}

const freshMs = 1000

export function storeHealth(probe: () => Promise<void>): StoreHealth {
  let known: { writable: boolean; at: number } | undefined
  let probing: Promise<boolean> | undefined

  function note(writable: boolean): boolean {
    known = { writable, at: performance.now() }
    return writable
  }

  return {
    wrote: () => void note(true),
    failed: () => void note(false),
    async writable() {
      if (known && performance.now() - known.at < freshMs) return known.writable
      probing ??= probe()
        .then(
          () => note(true),
          () => note(false),
        )
        .finally(() => {
          probing = undefined
        })
      return probing
    },
  }
}
