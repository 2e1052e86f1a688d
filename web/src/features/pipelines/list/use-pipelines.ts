// The pipelines of a project with their last runs and open proposals, which are kept live.
import type { Run } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { computed, watch } from 'vue'
import { api } from '../../../api.ts'
import { barCount } from '../../../ui/status/run-history.ts'
import { useFollowed } from '../../../use-followed.ts'
import { withRun } from '../../runs/index.ts'

export function usePipelines(projectId: () => string) {
  const { data, error, loading, reload } = useFollowed({
    topic: () => `project/${projectId()}/runs`,
    async read(signal) {
      const [list, recent] = await Promise.all([
        api.pipelines.listPipelines({ projectId: projectId(), pageSize: 100 }, { signal }),
        api.runs.listRuns({ projectId: projectId(), pageSize: 200 }, { signal }),
      ])
      return {
        pipelines: list.pipelines,
        nextPage: list.nextPageToken,
        runs: byPipeline(recent.runs),
      }
    },
    apply: (held, { case: kind, value }) =>
      kind === 'runChanged' ? { ...held, runs: withRunOf(held.runs, value) } : held,
  })

  const open = useFollowed({
    topic: () => `project/${projectId()}/proposals`,
    async read(signal) {
      const { proposals } = await api.proposals.listOpenProposals({ projectId: projectId() }, { signal })
      return new Map(proposals.map((each) => [each.pipelineId, each]))
    },
    apply: (held) => held,
  })
  // Merged or given up: the draft stands otherwise to what is published.
  watch(open.data, (now, before) => {
    if (now && before && [...before.keys()].some((id) => !now.has(id))) void reload()
  })

  async function more(): Promise<void> {
    const held = data.value
    if (!held) return
    const { pipelines, nextPageToken } = await api.pipelines.listPipelines({
      projectId: projectId(),
      pageSize: 100,
      pageToken: held.nextPage,
    })
    // Read anew meanwhile: what came with it begins at the first page again.
    if (data.value?.nextPage !== held.nextPage) return
    data.value = { ...data.value, pipelines: [...held.pipelines, ...pipelines], nextPage: nextPageToken }
  }

  return {
    pipelines: computed(() => data.value?.pipelines ?? []),
    runsOf: (pipelineId: string) => data.value?.runs.get(pipelineId) ?? [],
    /** The open one of a pipeline. */
    proposalOf: (pipelineId: string) => open.data.value?.get(pipelineId),
    error,
    loading,
    reload,
    more,
    hasMore: computed(() => (data.value?.nextPage ?? '') !== ''),
  }
}

function withRunOf(runs: ReadonlyMap<string, readonly Run[]>, run: Run): ReadonlyMap<string, readonly Run[]> {
  return new Map(runs).set(run.pipelineId, withRun(runs.get(run.pipelineId) ?? [], run).slice(0, barCount))
}

function byPipeline(runs: readonly Run[]): ReadonlyMap<string, readonly Run[]> {
  const found = new Map<string, Run[]>()
  for (const run of runs) {
    const list = found.get(run.pipelineId) ?? []
    if (list.length < barCount) list.push(run)
    found.set(run.pipelineId, list)
  }
  return found
}
