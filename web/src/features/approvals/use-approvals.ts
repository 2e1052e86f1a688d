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

/** `held`: those that are shown in any case, behind the others, also when the request no longer means them. */
export function useApprovals(
  request: () => MessageInitShape<typeof ListApprovalsRequestSchema>,
  options: { on?: WatchSource; held?: () => Iterable<string> } = {},
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
    const missing = [...(options.held?.() ?? [])].filter((id) => !found.some((each) => each.id === id))
    const held = missing.map((approvalId) => api.approvals.getApproval({ approvalId }, { signal }))
    // Those of a run that is deleted are gone.
    const still = (await Promise.allSettled(held)).flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    return [...found, ...still.flatMap(({ approval }) => approval ?? [])]
  }, options)
  function showMore(): void {
    most.value += page
    void loaded.reload()
  }
  return { ...loaded, more, showMore }
}
