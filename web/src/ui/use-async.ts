// Loading with a guard: the last call wins, an error keeps the old data, and `run` does an action once at a time.
import { onScopeDispose, type Ref, ref, type ShallowRef, shallowRef, type WatchSource, watch } from 'vue'
import { errorText } from './error-text.ts'
import { showToast } from './toasts.ts'

export interface Loaded<T> {
  data: ShallowRef<T | undefined>
  error: ShallowRef<unknown>
  /** Only while there is nothing to show yet. */
  loading: Ref<boolean>
  reload: () => Promise<void>
}

interface LoadOptions {
  /** Loads again when these change, and forgets what was there. */
  on?: WatchSource | WatchSource[]
  /** Loads again every so many milliseconds while the page is visible. */
  everyMs?: number
}

/** Loads at once. `signal` ends when a newer load starts or the component goes. */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, options: LoadOptions = {}): Loaded<T> {
  const data = shallowRef<T>()
  const error = shallowRef<unknown>()
  const loading = ref(false)
  let current: AbortController | undefined

  async function reload(): Promise<void> {
    current?.abort()
    const mine = new AbortController()
    current = mine
    loading.value = data.value === undefined
    try {
      const answer = await load(mine.signal)
      if (current !== mine) return
      data.value = answer
      error.value = undefined
    } catch (thrown) {
      if (current === mine) error.value = thrown
    } finally {
      if (current === mine) loading.value = false
    }
  }

  void reload()
  if (options.on) {
    watch(options.on, () => {
      data.value = undefined
      error.value = undefined
      void reload()
    })
  }
  const timer = options.everyMs
    ? setInterval(() => {
        if (!document.hidden && !loading.value) void reload()
      }, options.everyMs)
    : undefined
  onScopeDispose(() => {
    clearInterval(timer)
    current?.abort()
    current = undefined
  })
  return { data, error, loading, reload }
}

/** An action behind a button: `busy` while it runs, ignored when pressed again, its error kept for the form. */
export function useAction<A extends unknown[]>(act: (...args: A) => Promise<void>, options: { toast?: boolean } = {}) {
  const busy = ref(false)
  const error = shallowRef<unknown>()

  async function run(...args: A): Promise<void> {
    if (busy.value) return
    busy.value = true
    error.value = undefined
    try {
      await act(...args)
    } catch (thrown) {
      error.value = thrown
      if (options.toast) showToast({ kind: 'failed', text: errorText(thrown) })
    } finally {
      busy.value = false
    }
  }
  return { run, busy, error }
}
