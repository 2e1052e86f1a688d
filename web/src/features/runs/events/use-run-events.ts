// What people did with a run and what happened to it: read part by part, and on from there whenever the run changes.
import type { RunEvent } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'
import { type ApiError, api, toApiError } from '../../../api.ts'

const page = 100
/** News of a busy run is read together. */
const togetherMs = 1000

export function useRunEvents(runId: () => string, seq: () => number, withWaits: () => boolean) {
  const events = shallowRef<ReadonlyMap<string, RunEvent>>()
  const error = shallowRef<ApiError>()
  const more = ref(false)
  let most = page
  let token = ''
  let reading = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  async function read(fresh: boolean): Promise<void> {
    const mine = ++reading
    const found = new Map(fresh ? [] : events.value)
    let at = fresh ? '' : token
    error.value = undefined
    try {
      let next = ''
      do {
        const request = { runId: runId(), pageSize: page, pageToken: at, withoutWaits: !withWaits() }
        const answer = await api.runs.listRunEvents(request)
        if (mine !== reading) return
        for (const event of answer.events) found.set(event.id, merged(found.get(event.id), event))
        at = answer.resumeToken
        next = answer.nextPageToken
      } while (next !== '' && found.size < most)
      token = at
      more.value = next !== ''
      events.value = found
    } catch (cause) {
      if (mine === reading) error.value = toApiError(cause)
    }
  }

  function readAnew(): void {
    most = page
    events.value = undefined
    void read(true)
  }
  watch([runId, withWaits], readAnew, { immediate: true })
  watch(seq, () => {
    if (more.value || timer !== undefined) return
    timer = setTimeout(() => {
      timer = undefined
      void read(false)
    }, togetherMs)
  })
  onScopeDispose(() => {
    reading++
    clearTimeout(timer)
  })

  return {
    events: computed(() => (events.value ? [...events.value.values()] : undefined)),
    error,
    more,
    reload: readAnew,
    showMore() {
      most += page
      void read(false)
    },
  }
}

/** The end of what was told before may be told without its reason. */
function merged(before: RunEvent | undefined, event: RunEvent): RunEvent {
  if (!before || event.reason !== '') return event
  const { reason, reasonInfo } = before
  return { ...event, reason, ...(reasonInfo && { reasonInfo }) }
}
