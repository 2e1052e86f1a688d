// What the first page shows, drawn from the list of runs.
import type { Run } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isTerminal, RunStatus } from '@ansflow/proto/status'
import { toMs } from '../../ui/format.ts'
import { historiesOf, isActive, isFailure, type PipelineHistory } from '../../ui/status/run-history.ts'
import { isOfPerson, placeOf } from '../runs/index.ts'

export type Me = Parameters<typeof isOfPerson>[1]

export interface HomeData {
  /** Runs I started, or for commits of mine, that failed and that nothing has made good since. */
  failed: Run[]
  running: { run: Run; medianMs: number | undefined }[]
  finished: Run[]
  pipelines: PipelineHistory[]
}

const recentMs = 10 * 60_000
const shownFinished = 5
const shownPipelines = 8

/** Both lists newest first. */
export function homeOf(recent: readonly Run[], running: readonly Run[], me: Me, now: number): HomeData {
  const histories = historiesOf(recent, now)
  const medians = new Map(histories.map((history) => [history.pipelineId, history.medianMs]))
  return {
    failed: needsMe(recent, me),
    running: running
      .filter((run) => isActive(run.status))
      .map((run) => ({ run, medianMs: medians.get(run.pipelineId) })),
    finished: recent
      .filter((run) => isTerminal(run.status) && now - (toMs(run.finishedAt) ?? 0) < recentMs)
      .slice(0, shownFinished),
    pipelines: histories.slice(0, shownPipelines),
  }
}

/**
 * The latest ended run of a pipeline failed, and it was mine: I started it or made its commit. A later one by anybody makes it good or
 * theirs, unless it was for another branch, tag or pull request.
 */
export function needsMe(recent: readonly Run[], me: Me): Run[] {
  const seen = new Set<string>()
  return recent.filter((run) => {
    const place = run.origin?.git && placeOf(run.origin.git)
    const key = JSON.stringify([run.pipelineId, place?.kind ?? '', place?.name ?? ''])
    if (!isTerminal(run.status) || run.status === RunStatus.CANCELED || seen.has(key)) return false
    seen.add(key)
    return isFailure(run.status) && isOfPerson(run, me)
  })
}
