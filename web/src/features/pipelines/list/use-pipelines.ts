// The pipelines of a project with their last runs, kept live.
import type { Pipeline } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import type { Run } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'
import { api } from '../../../api.ts'
import { subscribe } from '../../../live.ts'
import { barCount } from '../../../ui/status/run-history.ts'
import { useLoad } from '../../../ui/use-async.ts'

export function usePipelines(projectId: () => string) {
  const pipelines = shallowRef<Pipeline[]>([])
  const runs = shallowRef<ReadonlyMap<string, Run[]>>(new Map())
  const nextPage = ref('')

  const load = useLoad(
    async (signal) => {
      const [list, recent] = await Promise.all([
        api.pipelines.listPipelines({ projectId: projectId(), pageSize: 100 }, { signal }),
        api.runs.listRuns({ projectId: projectId(), pageSize: 200 }, { signal }),
      ])
      pipelines.value = list.pipelines
      nextPage.value = list.nextPageToken
      runs.value = byPipeline(recent.runs)
      return true
    },
    { on: projectId },
  )

  async function more(): Promise<void> {
    const list = await api.pipelines.listPipelines({ projectId: projectId(), pageSize: 100, pageToken: nextPage.value })
    pipelines.value = [...pipelines.value, ...list.pipelines]
    nextPage.value = list.nextPageToken
  }

  let stop = () => {}
  watch(
    projectId,
    (id) => {
      stop()
      stop = subscribe(`project/${id}/runs`, {
        onMessage({ kind }) {
          if (kind.case !== 'runChanged') return
          const run = kind.value
          const old = runs.value.get(run.pipelineId) ?? []
          const next = old.some((one) => one.id === run.id)
            ? old.map((one) => (one.id === run.id ? run : one))
            : [run, ...old].slice(0, barCount)
          runs.value = new Map(runs.value).set(run.pipelineId, next)
        },
        onResync: () => void load.reload(),
      })
    },
    { immediate: true },
  )
  onScopeDispose(() => stop())

  return {
    pipelines,
    runsOf: (pipelineId: string) => runs.value.get(pipelineId) ?? [],
    error: load.error,
    loading: load.loading,
    reload: load.reload,
    more,
    hasMore: computed(() => nextPage.value !== ''),
  }
}

function byPipeline(runs: readonly Run[]): Map<string, Run[]> {
  const found = new Map<string, Run[]>()
  for (const run of runs) {
    const list = found.get(run.pipelineId) ?? []
    if (list.length < barCount) list.push(run)
    found.set(run.pipelineId, list)
  }
  return found
}
