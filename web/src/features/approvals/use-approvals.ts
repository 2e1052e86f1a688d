// Approvals, live: what is shown is fetched again whenever any of them changes, whoever decides it.
import type { Approval, ListApprovalsRequestSchema } from '@ansflow/proto/gen/ansflow/v1/approvals_pb'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { onScopeDispose, ref, type WatchSource } from 'vue'
import { api } from '../../api.ts'
import { subscribe } from '../../live.ts'
import { useLoad } from '../../ui/use-async.ts'

const page = 50

/** Reads it anew with each change, until the scope ends. */
export function useLiveLoad<T>(load: (signal: AbortSignal) => Promise<T>, options: { on?: WatchSource } = {}) {
  const loaded = useLoad(load, options)
  const reload = () => void loaded.reload()
  onScopeDispose(subscribe('approvals', { onResync: reload, onSubscribed: reload }))
  return loaded
}

export function useApprovals(
  request: () => MessageInitShape<typeof ListApprovalsRequestSchema>,
  options: { on?: WatchSource } = {},
) {
  /** How many are shown: more when asked for. */
  const most = ref(page)
  const more = ref(false)
  const loaded = useLiveLoad(async (signal) => {
    const found: Approval[] = []
    let pageToken = ''
    do {
      const answer = await api.approvals.listApprovals({ ...request(), pageSize: page, pageToken }, { signal })
      found.push(...answer.approvals)
      pageToken = answer.nextPageToken
    } while (pageToken !== '' && found.length < most.value)
    more.value = pageToken !== ''
    return found
  }, options)
  function showMore(): void {
    most.value += page
    void loaded.reload()
  }
  return { ...loaded, more, showMore }
}
