// The last run of the same pipeline that was green before this one: what it is compared with, and how long it may take.
import type { Run } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { RunStatus } from '@ansflow/proto/status'
import { computed } from 'vue'
import { api } from '../../../api.ts'
import { toMs } from '../../../ui/format.ts'
import { useLoad } from '../../../ui/use-async.ts'

export function useLastGreen(run: () => Run | undefined) {
  const green = useLoad(
    async (signal) => {
      const { pipelineId, createdAt, id } = run() ?? {}
      if (!pipelineId || !createdAt) return undefined
      const statuses = [RunStatus.SUCCEEDED]
      const { runs } = await api.runs.listRuns({ pipelineId, statuses, until: createdAt, pageSize: 2 }, { signal })
      return runs.find((one) => one.id !== id)
    },
    { on: () => run()?.id },
  )
  const tookMs = computed(() => {
    const { startedAt, finishedAt } = green.data.value ?? {}
    const [from, to] = [toMs(startedAt), toMs(finishedAt)]
    return from === undefined || to === undefined ? undefined : to - from
  })
  return { green: green.data, tookMs }
}
