// A list that is read page by page, more of it when asked for.
import { ref, type WatchSource } from 'vue'
import { useLoad } from '../../ui/use-async.ts'

export function usePages<T>(
  read: (pageToken: string, signal: AbortSignal) => Promise<{ items: T[]; nextPageToken: string }>,
  page: number,
  on: WatchSource,
) {
  /** How many are shown. */
  const most = ref(page)
  const more = ref(false)
  const loaded = useLoad(
    async (signal) => {
      const found: T[] = []
      let pageToken = ''
      do {
        const answer = await read(pageToken, signal)
        found.push(...answer.items)
        pageToken = answer.nextPageToken
      } while (pageToken !== '' && found.length < most.value)
      more.value = pageToken !== ''
      return found
    },
    { on },
  )
  function showMore(): void {
    most.value += page
    void loaded.reload()
  }
  return { ...loaded, more, showMore }
}
