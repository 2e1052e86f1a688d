// Recently used runs in memory, bounded by how many steps they have together.
import type { LoadedRun } from './load-run.ts'

const mostSteps = 100_000

export interface RunCache {
  get(runId: string): LoadedRun | undefined
  put(run: LoadedRun): void
  drop(runId: string): void
}

export function runCache(most: number = mostSteps): RunCache {
  // A Map keeps the order of insertion: the first is the one that was used longest ago.
  const runs = new Map<string, LoadedRun>()
  let steps = 0
  function drop(runId: string): void {
    const run = runs.get(runId)
    if (run && runs.delete(runId)) steps -= weight(run)
  }
  return {
    get(runId) {
      const run = runs.get(runId)
      if (run) {
        runs.delete(runId)
        runs.set(runId, run)
      }
      return run
    },
    put(run) {
      drop(run.state.meta.runId)
      runs.set(run.state.meta.runId, run)
      steps += weight(run)
      while (steps > most && runs.size > 1) drop(runs.keys().next().value!)
    },
    drop,
  }
}

function weight({ state }: LoadedRun): number {
  return 10 + state.steps.size
}
