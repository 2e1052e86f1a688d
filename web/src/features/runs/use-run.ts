// One run, live: its head, its steps and its frozen graph. Loads and live events go through the same door.
import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { Run, RunStep, WatchRunResponse } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isTerminal } from '@ansflow/proto/status'
import { computed, onScopeDispose, shallowReactive, shallowRef, watch } from 'vue'
import { type ApiError, api, toApiError } from '../../api.ts'
import { subscribe } from '../../live.ts'

/** Events of a busy run are shown together this often; the first after a pause at once. */
const togetherMs = 50

/** Without an id nothing is followed. `onSteps` is told which steps are new or have changed. */
export function useRun(
  runId: () => string | undefined,
  onSteps: (changed: readonly RunStep[]) => void = () => undefined,
) {
  const run = shallowRef<Run>()
  const graph = shallowRef<PipelineGraph>()
  /** By step id, in the graph's order; an event replaces only the steps it changed. */
  const steps = shallowReactive(new Map<string, RunStep>())
  const error = shallowRef<ApiError>()
  const loading = shallowRef(true)
  let stop: (() => void) | undefined
  let opening = 0
  let pending: WatchRunResponse[] = []
  let timer: ReturnType<typeof setTimeout> | undefined

  watch(runId, load, { immediate: true })
  onScopeDispose(() => {
    stop?.()
    clearTimeout(timer)
  })

  async function load(): Promise<void> {
    const mine = ++opening
    const id = runId()
    if (run.value?.id !== id) {
      stop?.()
      stop = undefined
      pending = []
      run.value = undefined
      graph.value = undefined
      steps.clear()
      loading.value = id !== undefined
    }
    error.value = undefined
    if (id === undefined) return
    try {
      const answer = await api.runs.getRun({ runId: id })
      if (mine !== opening || !answer.run) return
      graph.value = answer.graph
      for (const step of answer.run.steps) steps.set(step.id, step)
      run.value = answer.run
      onSteps(answer.run.steps)
      follow(answer.run)
    } catch (cause) {
      if (mine === opening) error.value = toApiError(cause)
    } finally {
      if (mine === opening) loading.value = false
    }
  }

  function follow(from: Run): void {
    stop?.()
    pending = []
    stop = subscribe(`run/${from.id}`, {
      afterSeq: from.seq,
      onMessage({ kind }) {
        if (kind.case === 'run') take(kind.value)
      },
      onResync: () => void load(),
    })
  }

  function take(event: WatchRunResponse): void {
    pending.push(event)
    if (timer !== undefined) return
    show()
    timer = setTimeout(() => {
      timer = undefined
      show()
    }, togetherMs)
  }

  function show(): void {
    for (const event of pending) {
      if (!event.run || (run.value && event.seq <= run.value.seq)) continue
      for (const step of event.steps) steps.set(step.id, step)
      run.value = event.run
      onSteps(event.steps)
    }
    pending = []
  }

  const ended = computed(() => run.value !== undefined && isTerminal(run.value.status))
  return { run, graph, steps, error, loading, ended, reload: load }
}
