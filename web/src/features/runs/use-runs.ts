// A list of runs with filters and cursor, kept live: changed rows in place, new ones announced or put on top.
import type { Project } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import type { Run, RunStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'
import { api } from '../../api.ts'
import { subscribe } from '../../live.ts'
import { useLoad } from '../../ui/use-async.ts'

export interface RunFilter {
  projectId: string
  pipelineId: string
  statuses: RunStatus[]
}

const pageSize = 50

export function useRuns(filter: () => RunFilter | undefined) {
  const runs = shallowRef<Run[]>([])
  const nextPage = ref('')
  const loadingMore = ref(false)
  const unsubscribe: (() => void)[] = []
  onScopeDispose(stopLive)

  const first = useLoad(
    async (signal) => {
      const wanted = filter()
      if (!wanted) return undefined
      const [answer, projects] = await Promise.all([
        api.runs.listRuns({ ...wanted, pageSize }, { signal }),
        wanted.projectId
          ? [{ id: wanted.projectId }]
          : api.projects.listProjects({ pageSize: 200 }, { signal }).then((list) => list.projects),
      ])
      runs.value = answer.runs
      nextPage.value = answer.nextPageToken
      follow(projects)
      return true
    },
    { on: () => JSON.stringify(filter()) },
  )

  function follow(projects: Pick<Project, 'id'>[]): void {
    stopLive()
    for (const { id } of projects) {
      unsubscribe.push(
        subscribe(`project/${id}/runs`, {
          onMessage({ kind }) {
            if (kind.case === 'runChanged') put(kind.value)
          },
          onResync: () => void first.reload(),
        }),
      )
    }
  }

  function stopLive(): void {
    for (const stop of unsubscribe.splice(0)) stop()
  }

  function put(run: Run): void {
    const wanted = filter()
    if (!wanted || (wanted.pipelineId && run.pipelineId !== wanted.pipelineId)) return
    const at = runs.value.findIndex((one) => one.id === run.id)
    const fits = wanted.statuses.length === 0 || wanted.statuses.includes(run.status)
    if (at >= 0) runs.value = fits ? runs.value.with(at, run) : runs.value.filter((one) => one.id !== run.id)
    else if (fits)
      runs.value = [run, ...runs.value].sort((a, b) =>
        Number((b.createdAt?.seconds ?? 0n) - (a.createdAt?.seconds ?? 0n)),
      )
  }

  async function more(): Promise<void> {
    const wanted = filter()
    if (!wanted || nextPage.value === '' || loadingMore.value) return
    loadingMore.value = true
    try {
      const answer = await api.runs.listRuns({ ...wanted, pageSize, pageToken: nextPage.value })
      const known = new Set(runs.value.map((run) => run.id))
      runs.value = [...runs.value, ...answer.runs.filter((run) => !known.has(run.id))]
      nextPage.value = answer.nextPageToken
    } finally {
      loadingMore.value = false
    }
  }

  watch(filter, (now, before) => {
    if (JSON.stringify(now) !== JSON.stringify(before)) runs.value = []
  })

  return {
    runs,
    error: first.error,
    loading: computed(() => first.loading.value && runs.value.length === 0),
    reload: first.reload,
    more,
    hasMore: computed(() => nextPage.value !== ''),
    loadingMore,
  }
}
