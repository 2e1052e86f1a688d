// How a failed run stands among the last of its pipeline: how many of them failed, and which passed last before it.
import type { Run } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isTerminal, RunStatus } from '@ansflow/proto/status'
import { api } from '../../api.ts'
import { isFailure } from '../../ui/status/run-history.ts'
import { useLoad } from '../../ui/use-async.ts'

const looked = 50
const counted = 10

export interface FailureHistory {
  /** Of `counted` ended runs up to this one, itself among them. */
  failed: number
  counted: number
  lastPassed: Run | undefined
}

export function useFailureHistory(run: () => Run) {
  return useLoad(
    async (signal): Promise<FailureHistory> => {
      const { id, pipelineId } = run()
      const { runs } = await api.runs.listRuns({ pipelineId, pageSize: looked }, { signal })
      // Ids grow with time.
      const ended = runs.filter((one) => one.id <= id && isTerminal(one.status) && one.status !== RunStatus.CANCELED)
      const last = ended.slice(0, counted)
      return {
        failed: last.filter((one) => isFailure(one.status)).length,
        counted: last.length,
        lastPassed: ended.find((one) => one.status === RunStatus.SUCCEEDED),
      }
    },
    { on: () => run().id },
  )
}
