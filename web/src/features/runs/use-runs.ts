// A list of runs with filters and cursor, kept live: changed rows in place, new ones announced or put on top.
import type { Project } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import type { Run, RunStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isTerminal } from '@ansflow/proto/status'
import { computed, ref, shallowRef, watch } from 'vue'
import { api } from '../../api.ts'
import { useLoad } from '../../ui/use-async.ts'
import { useRunFeed, withRun } from './run-feed.ts'

export interface RunFilter {
  projectId: string
  pipelineId: string
  statuses: RunStatus[]
  /** Empty: anybody's. */
  personId: string
}

const pageSize = 50

/** `isTheirs`: whether a run is of the person asked for. */
export function useRuns(filter: () => RunFilter | undefined, isTheirs: (run: Run) => boolean) {
  const runs = shallowRef<readonly Run[]>([])
  /** Of a list over all projects. */
  const projects = shallowRef<readonly Project[]>([])
  const nextPage = ref('')
  const loadingMore = ref(false)
  const feed = useRunFeed({
    onRun: put,
    moving: () => runs.value.some((run) => !isTerminal(run.status)),
    onStale: () => void first.reload(),
  })

  const first = useLoad(
    async (signal) => {
      const wanted = filter()
      if (!wanted) return undefined
      const [answer, readable] = await Promise.all([
        api.runs.listRuns({ ...wanted, pageSize }, { signal }),
        wanted.projectId ? undefined : api.projects.listProjects({ pageSize: 200 }, { signal }),
      ])
      runs.value = answer.runs
      nextPage.value = answer.nextPageToken
      projects.value = readable?.projects ?? []
      feed.follow(wanted.projectId ? [wanted.projectId] : projects.value.map(({ id }) => id))
      return true
    },
    { on: () => JSON.stringify(filter()) },
  )

  function put(run: Run): void {
    const wanted = filter()
    if (!wanted || (wanted.pipelineId && run.pipelineId !== wanted.pipelineId)) return
    if (wanted.personId && !isTheirs(run)) return
    const fits = wanted.statuses.length === 0 || wanted.statuses.includes(run.status)
    runs.value = fits ? withRun(runs.value, run) : runs.value.filter((one) => one.id !== run.id)
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
    projects,
    error: first.error,
    loading: computed(() => first.loading.value && runs.value.length === 0),
    reload: first.reload,
    more,
    hasMore: computed(() => nextPage.value !== ''),
    loadingMore,
  }
}
