// What the first page shows, drawn from the list of runs.
import type { Run } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isTerminal, RunStatus } from '@ansflow/proto/status'
import { starterOf } from '@ansflow/proto/triggers/run-origin'
import { toMs } from '../../ui/format.ts'
import { historiesOf, isActive, isFailure, type PipelineHistory } from '../../ui/status/run-history.ts'

export interface HomeData {
  /** Runs I started that failed and that nothing has made good since. */
  failed: Run[]
  running: { run: Run; medianMs: number | undefined }[]
  finished: Run[]
  pipelines: PipelineHistory[]
}

const recentMs = 10 * 60_000
const shownFinished = 5
const shownPipelines = 8

/** Both lists newest first. */
export function homeOf(recent: readonly Run[], running: readonly Run[], userId: string, now: number): HomeData {
  const histories = historiesOf(recent, now)
  const medians = new Map(histories.map((history) => [history.pipelineId, history.medianMs]))
  return {
    failed: needsMe(recent, userId),
    running: running
      .filter((run) => isActive(run.status))
      .map((run) => ({ run, medianMs: medians.get(run.pipelineId) })),
    finished: recent
      .filter((run) => isTerminal(run.status) && now - (toMs(run.finishedAt) ?? 0) < recentMs)
      .slice(0, shownFinished),
    pipelines: histories.slice(0, shownPipelines),
  }
}

/** The latest ended run of a pipeline failed, and it was mine: a later one by anybody makes it good or theirs. */
export function needsMe(recent: readonly Run[], userId: string): Run[] {
  const seen = new Set<string>()
  return recent.filter((run) => {
    if (!isTerminal(run.status) || run.status === RunStatus.CANCELED || seen.has(run.pipelineId)) return false
    seen.add(run.pipelineId)
    return isFailure(run.status) && starterOf(run.origin).userId === userId
  })
}
