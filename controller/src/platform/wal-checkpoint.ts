// After a large commit SQLite would copy all of its pages from the write-ahead log into the file within that commit, on the event loop.
// That is left to a thread then, which ends when it has done it; small commits go on as SQLite has them.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

export interface WalCheckpoint {
  /** Copies beside the event loop what the log holds now. */
  begin(): void
  readonly isRunning: boolean
  /** Resolves when nothing is being copied any more. */
  settled(): Promise<void>
}

export function walCheckpoint(file: string): WalCheckpoint {
  let running: Promise<void> | undefined
  let isWanted = false

  async function run(): Promise<void> {
    while (isWanted) {
      isWanted = false
      const thread = new Worker(new URL('./wal-checkpoint-thread.ts', import.meta.url), { workerData: file, env: {} })
      // What could not be copied is copied with a later commit, or tells whoever writes next of a full disk.
      thread.on('error', () => undefined)
      await once(thread, 'exit')
    }
    running = undefined
  }

  return {
    begin() {
      isWanted = true
      running ??= run()
    },
    get isRunning() {
      return running !== undefined
    },
    settled: () => running ?? Promise.resolve(),
  }
}
