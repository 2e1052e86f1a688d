// What is read once and then again: every ten seconds while the page is seen, and at once when somebody comes back to it.
import { onScopeDispose, type WatchSource } from 'vue'
import { type Loaded, useLoad } from '../../ui/use-async.ts'

const everyMs = 10_000

export function useFresh<T>(read: (signal: AbortSignal) => Promise<T>, on?: WatchSource | WatchSource[]): Loaded<T> {
  const loaded = useLoad(read, { everyMs, ...(on && { on }) })
  const again = () => {
    if (!loaded.loading.value) void loaded.reload()
  }
  window.addEventListener('focus', again)
  onScopeDispose(() => window.removeEventListener('focus', again))
  return loaded
}
