// The first page's runs, live: read once, then every run as it changes.
import type { Project } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import type { Run } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isTerminal, RunStatus } from '@ansflow/proto/status'
import { computed, shallowRef } from 'vue'
import { api } from '../../api.ts'
import { projectNames } from '../../ui/project-name.ts'
import { useLoad } from '../../ui/use-async.ts'
import { useNow } from '../../ui/use-now.ts'
import { useRunFeed, withRun } from '../runs/index.ts'
import { homeOf, type Me } from './home.ts'

const active = [RunStatus.WAITING, RunStatus.BLOCKED, RunStatus.QUEUED, RunStatus.RUNNING]
const recentRuns = 200
/** What is shown as recent ages this coarsely. */
const ageMs = 30_000

export function useHome(me: Me) {
  const recent = shallowRef<readonly Run[]>([])
  const running = shallowRef<readonly Run[]>([])
  const projects = shallowRef<readonly Project[]>([])
  const now = useNow()
  const age = computed(() => Math.floor(now.value / ageMs))

  const loaded = useLoad(async (signal) => {
    const [lately, going, mine] = await Promise.all([
      api.runs.listRuns({ pageSize: recentRuns }, { signal }),
      api.runs.listRuns({ pageSize: 50, statuses: active }, { signal }),
      api.projects.listProjects({ pageSize: 200 }, { signal }),
    ])
    recent.value = lately.runs
    running.value = going.runs
    projects.value = mine.projects
    feed.follow(mine.projects.map(({ id }) => id))
    return true
  })
  const feed = useRunFeed({
    onRun(run) {
      recent.value = withRun(recent.value, run).slice(0, recentRuns)
      running.value = isTerminal(run.status)
        ? running.value.filter((one) => one.id !== run.id)
        : withRun(running.value, run)
    },
    moving: () => running.value.length > 0,
    onStale: () => void loaded.reload(),
  })

  const data = computed(() => {
    void age.value
    return loaded.data.value ? homeOf(recent.value, running.value, me, Date.now()) : undefined
  })
  return {
    data,
    projects,
    projectOf: computed(() => projectNames(projects.value)),
    error: loaded.error,
    reload: loaded.reload,
  }
}
