// Runs of several projects as they change: one live topic a project, and when what is shown may be stale.
import type { Run } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { onScopeDispose } from 'vue'
import { subscribe } from '../../live.ts'

interface RunFeedHandlers {
  onRun(run: Run): void
  /** Whether a run that is shown goes on: it may have moved between being read and being followed. */
  moving(): boolean
  /** Something may have been missed: read again. */
  onStale(): void
}

/** Many topics that begin or break together are one reading. */
const togetherMs = 100

/** `follow` says which projects; those followed already go on. */
export function useRunFeed({ onRun, moving, onStale }: RunFeedHandlers): {
  follow(projectIds: readonly string[]): void
} {
  const topics = new Map<string, () => void>()
  let timer: ReturnType<typeof setTimeout> | undefined
  onScopeDispose(() => {
    clearTimeout(timer)
    for (const stop of topics.values()) stop()
  })

  function stale(): void {
    timer ??= setTimeout(() => {
      timer = undefined
      onStale()
    }, togetherMs)
  }

  function follow(projectIds: readonly string[]): void {
    const wanted = new Set(projectIds)
    for (const [id, stop] of topics) {
      if (wanted.has(id)) continue
      stop()
      topics.delete(id)
    }
    for (const id of wanted) {
      if (topics.has(id)) continue
      const stop = subscribe(`project/${id}/runs`, {
        onMessage({ kind }) {
          if (kind.case === 'runChanged') onRun(kind.value)
        },
        onSubscribed() {
          if (moving()) stale()
        },
        onResync: stale,
      })
      topics.set(id, stop)
    }
  }

  return { follow }
}

/** The list, newest first, with this run in it as it is now. An older view of a run changes nothing. */
export function withRun(runs: readonly Run[], run: Run): readonly Run[] {
  const at = runs.findIndex((one) => one.id === run.id)
  const there = runs[at]
  if (there) return run.seq < there.seq ? runs : runs.with(at, run)
  // Ids grow with time.
  const before = runs.findIndex((one) => one.id < run.id)
  return before < 0 ? [...runs, run] : runs.toSpliced(before, 0, run)
}
