// Search over a whole log on the server: hits stream in, next and previous walk them.
import type { LogHit } from '@ansflow/proto/gen/ansflow/v1/logs_pb'
import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'
import { type ApiError, api, toApiError } from '../../../api.ts'
import type { LogTarget } from './use-log.ts'

const idleMs = 200

export function useLogSearch(target: () => LogTarget | undefined) {
  const query = ref('')
  const regex = ref(false)
  const matchCase = ref(false)
  const hits = shallowRef<LogHit[]>([])
  const current = ref(-1)
  const searching = ref(false)
  const limited = ref(false)
  const error = shallowRef<ApiError>()
  let abort: AbortController | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  watch([query, regex, matchCase, () => JSON.stringify(target())], () => {
    clearTimeout(timer)
    timer = setTimeout(search, idleMs)
  })
  onScopeDispose(() => {
    clearTimeout(timer)
    abort?.abort()
  })

  async function search(): Promise<void> {
    abort?.abort()
    const mine = new AbortController()
    abort = mine
    hits.value = []
    current.value = -1
    limited.value = false
    error.value = undefined
    const of = target()
    if (query.value === '' || !of) {
      searching.value = false
      return
    }
    searching.value = true
    try {
      const request = { ...of, query: query.value, regex: regex.value, matchCase: matchCase.value, maxHits: 5000 }
      for await (const part of api.logs.searchLog(request, { signal: mine.signal })) {
        if (part.hits.length > 0) hits.value = [...hits.value, ...part.hits]
        if (current.value < 0 && hits.value.length > 0) current.value = 0
        limited.value = part.limitReached
      }
    } catch (cause) {
      if (!mine.signal.aborted) error.value = toApiError(cause)
    } finally {
      if (abort === mine) searching.value = false
    }
  }

  function step(by: 1 | -1): void {
    const count = hits.value.length
    if (count > 0) current.value = (current.value + by + count) % count
  }

  const hitsByLine = computed(() => {
    const map = new Map<number, LogHit[]>()
    for (const hit of hits.value) {
      const list = map.get(hit.line)
      if (list) list.push(hit)
      else map.set(hit.line, [hit])
    }
    return map
  })

  return {
    query,
    regex,
    matchCase,
    hits,
    current,
    hit: computed(() => hits.value[current.value]),
    hitsByLine,
    searching,
    limited,
    error,
    next: () => step(1),
    previous: () => step(-1),
  }
}
