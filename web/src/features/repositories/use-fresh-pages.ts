// Rows that come in pages, as many as somebody has asked for, kept fresh together.
import { computed, ref, type WatchSource, watch } from 'vue'
import { useFresh } from './use-fresh.ts'

interface Page<T> {
  rows: T[]
  nextPageToken: string
  /** Of all pages, where that is known. */
  total?: number
}

export function useFreshPages<T>(
  read: (page: { pageSize: number; pageToken: string }, signal: AbortSignal) => Promise<Page<T>>,
  pageSize: number,
  projectId: () => string | undefined,
  on: WatchSource | WatchSource[],
) {
  const wanted = ref(pageSize)
  watch(on, () => {
    wanted.value = pageSize
  })
  const loaded = useFresh(
    async (signal) => {
      const rows: T[] = []
      let page: Page<T> = { rows, nextPageToken: '' }
      do {
        page = await read({ pageSize, pageToken: page.nextPageToken }, signal)
        rows.push(...page.rows)
      } while (page.nextPageToken !== '' && rows.length < wanted.value)
      return { rows, hasMore: page.nextPageToken !== '', total: page.total ?? rows.length }
    },
    projectId,
    on,
  )

  async function more(): Promise<void> {
    wanted.value += pageSize
    await loaded.reload()
  }
  return { ...loaded, rows: computed(() => loaded.data.value?.rows ?? []), more }
}
