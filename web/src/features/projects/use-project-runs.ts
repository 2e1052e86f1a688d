// The last runs of one project, live. A run of a pipeline that is new here is news of the pipelines too.
import { isTerminal } from '@ansflow/proto/status'
import { api } from '../../api.ts'
import { useLoad } from '../../ui/use-async.ts'
import { useRunFeed, withRun } from '../runs/index.ts'

const shown = 200

export function useProjectRuns(projectId: string, onNewPipeline: () => void) {
  const loaded = useLoad(async (signal) => {
    const { runs } = await api.runs.listRuns({ projectId, pageSize: shown }, { signal })
    feed.follow([projectId])
    return runs
  })
  const feed = useRunFeed({
    onRun(run) {
      const before = loaded.data.value ?? []
      if (!before.some((one) => one.pipelineId === run.pipelineId)) onNewPipeline()
      loaded.data.value = [...withRun(before, run)].slice(0, shown)
    },
    moving: () => (loaded.data.value ?? []).some((run) => !isTerminal(run.status)),
    onStale: () => void loaded.reload(),
  })
  return loaded
}
