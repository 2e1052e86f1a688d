// Makes SQLite's write-ahead log durable beside the event loop: commits that end while one flush is under way share the next.
import { fdatasync } from 'node:fs'

export interface WalSync {
  /** Resolves when everything written to the log before this call is on the disk. */
  flushed(): Promise<void>
}

export function walSync(flush: () => Promise<void>): WalSync {
  let flushing: Promise<void> | undefined
  let next: Promise<void> | undefined
  function begin(): Promise<void> {
    next = undefined
    const current = flush().finally(() => {
      if (flushing === current) flushing = undefined
    })
    flushing = current
    return current
  }
  return {
    flushed() {
      if (!flushing) return begin()
      // The one under way may have passed what was written since: only a later one will do, whatever becomes of this.
      next ??= flushing.then(begin, begin)
      return next
    },
  }
}

export function flushFile(descriptor: number): Promise<void> {
  return new Promise((resolve, reject) =>
    fdatasync(descriptor, (error) => {
      if (error) reject(new Error('The database file could not be written to the disk.', { cause: error }))
      else resolve()
    }),
  )
}
