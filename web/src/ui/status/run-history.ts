// What the last runs of a pipeline say: bars, share that passed, median duration, and whether it got slower.
import type { Run } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isTerminal, RunStatus } from '@ansflow/proto/status'
import { toMs } from '../format.ts'
import { type StatusName, statusName } from './status.ts'

export interface HistoryBar {
  runId: string
  number: number
  status: StatusName
  /** Missing for a run that never started. */
  ms: number | undefined
}

export interface PipelineHistory {
  pipelineId: string
  pipelineName: string
  projectId: string
  projectSlug: string
  latest: Run
  /** Oldest first, at most `barCount`. */
  bars: HistoryBar[]
  passRate: number | undefined
  medianMs: number | undefined
  trend: 'slower' | 'faster' | 'same'
}

export const barCount = 30
/** Below this many passed runs a trend would be noise. */
const trendNeeds = 8
const trendRecent = 4
const trendShare = 0.1

/** One entry a pipeline, the one that ran last first. `runs` newest first, as ListRuns answers. */
export function historiesOf(runs: readonly Run[], now: number): PipelineHistory[] {
  const byPipeline = new Map<string, Run[]>()
  for (const run of runs) {
    const list = byPipeline.get(run.pipelineId)
    if (list) list.push(run)
    else byPipeline.set(run.pipelineId, [run])
  }
  return [...byPipeline.values()].flatMap((list) => historyOf(list.slice(0, barCount), now) ?? [])
}

function historyOf(newestFirst: readonly Run[], now: number): PipelineHistory | undefined {
  const latest = newestFirst[0]
  if (!latest) return undefined
  const ended = newestFirst.filter((run) => run.status === RunStatus.SUCCEEDED || isFailure(run.status))
  const passed = ended.filter((run) => run.status === RunStatus.SUCCEEDED)
  const passedMs = passed.map((run) => runMs(run, now)).filter((ms) => ms !== undefined)
  return {
    pipelineId: latest.pipelineId,
    pipelineName: latest.pipelineName,
    projectId: latest.projectId,
    projectSlug: latest.projectSlug,
    latest,
    bars: newestFirst
      .map((run) => ({ runId: run.id, number: run.number, status: statusName(run.status), ms: runMs(run, now) }))
      .reverse(),
    passRate: ended.length > 0 ? passed.length / ended.length : undefined,
    medianMs: median(passedMs),
    trend: trendOf(passedMs),
  }
}

export function isFailure(status: RunStatus): boolean {
  return status === RunStatus.FAILED || status === RunStatus.LOST
}

export function isActive(status: RunStatus): boolean {
  return status !== RunStatus.UNSPECIFIED && !isTerminal(status)
}

export function runMs(run: Run, now: number): number | undefined {
  const start = toMs(run.startedAt)
  return start === undefined ? undefined : (toMs(run.finishedAt) ?? now) - start
}

export function median(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2
}

/** Compares the newest few with those before them. `newestFirst` holds durations of passed runs. */
function trendOf(newestFirst: readonly number[]): PipelineHistory['trend'] {
  if (newestFirst.length < trendNeeds) return 'same'
  const recent = median(newestFirst.slice(0, trendRecent)) ?? 0
  const before = median(newestFirst.slice(trendRecent)) ?? 0
  if (recent > before * (1 + trendShare)) return 'slower'
  return recent < before * (1 - trendShare) ? 'faster' : 'same'
}
