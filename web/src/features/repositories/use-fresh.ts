// What is read once and then again whenever the live connection says that something of the project's repositories, or of their runs, is
// another; at once when somebody comes back to the page.
import { onScopeDispose, type WatchSource, watch } from 'vue'
import { subscribe } from '../../live.ts'
import { type Loaded, useLoad } from '../../ui/use-async.ts'

/** Many changes at once are one reading. */
const togetherMs = 300
/** Readings do not follow each other closer than that, however much happens. */
const restMs = 1000

/** `projectId`: undefined until it is known, and when nothing of it is to be read again. */
export function useFresh<T>(
  read: (signal: AbortSignal) => Promise<T>,
  projectId: () => string | undefined,
  on?: WatchSource | WatchSource[],
): Loaded<T> {
  const loaded = useLoad(read, on ? { on } : {})
  let timer: ReturnType<typeof setTimeout> | undefined
  let readAt = 0
  const again = () => {
    timer ??= setTimeout(
      () => {
        timer = undefined
        if (projectId() === undefined) return
        readAt = Date.now()
        if (!document.hidden && !loaded.loading.value) void loaded.reload()
      },
      Math.max(togetherMs, readAt + restMs - Date.now()),
    )
  }
  let stops: (() => void)[] = []
  const stopAll = () => {
    for (const stop of stops) stop()
    stops = []
  }
  watch(
    projectId,
    (id) => {
      stopAll()
      if (id === undefined) return
      const follow = { onMessage: again, onSubscribed: again, onResync: again }
      stops = [subscribe(`project/${id}/repositories`, follow), subscribe(`project/${id}/runs`, follow)]
    },
    { immediate: true },
  )
  const seen = () => {
    if (!document.hidden) again()
  }
  window.addEventListener('focus', seen)
  document.addEventListener('visibilitychange', seen)
  onScopeDispose(() => {
    clearTimeout(timer)
    stopAll()
    window.removeEventListener('focus', seen)
    document.removeEventListener('visibilitychange', seen)
  })
  return loaded
}
