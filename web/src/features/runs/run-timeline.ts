// When every step of a run waited and when it ran, and the chain of steps that made the run as long as it is.
import type { StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { RunStep } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { toMs } from '../../ui/format.ts'
import type { StatusName } from '../../ui/status/status.ts'
import { stepStatusName } from './pick-step.ts'
import { copiesByStep, hasCopies, valuesText } from './step-groups.ts'
import { above, namesTo } from './step-path.ts'

export type SpanKind = 'queue' | 'run'

export interface Span {
  kind: SpanKind
  from: number
  to: number
  /** How what ran ended, or that it still goes on. */
  status: StatusName
  attempt: number
}

export interface TimelineRow {
  id: string
  step: RunStep
  name: string
  status: StatusName
  spans: Span[]
  /** Milliseconds it was ready but had no agent. */
  queuedMs: number
  ranMs: number
  critical: boolean
  /** How many it is drawn under: the step that it is a copy of, those that stand for its templates. */
  depth: number
  /** Others are drawn under it. */
  isOver: boolean
  /** It was not run, but before. */
  reused: boolean
}

/** Times are in milliseconds since the epoch; what goes on lasts until `now`. */
export function timelineOf(
  definitions: readonly StepDefinition[],
  steps: ReadonlyMap<string, RunStep>,
  now: number,
  shown: readonly RunStep[] = [...steps.values()],
  isTemplate: (id: string) => boolean = () => false,
): TimelineRow[] {
  const critical = criticalPath(definitions, steps)
  return shown.map((step) => {
    const isOver = hasCopies(step) || isTemplate(step.id)
    const spans = spansOf(step, now, isOver)
    const lasting = (kind: SpanKind) =>
      spans.filter((span) => span.kind === kind).reduce((sum, span) => sum + span.to - span.from, 0)
    return {
      id: step.id,
      step,
      name: (step.copyOf && valuesText(step)) || namesTo(step).at(-1)!,
      status: stepStatusName(step),
      spans,
      queuedMs: lasting('queue'),
      ranMs: lasting('run'),
      critical: critical.has(step.id),
      depth: above(step).length,
      isOver,
      reused: step.reused !== undefined,
    }
  })
}

function spansOf(step: RunStep, now: number, isOver: boolean): Span[] {
  const spans: Span[] = []
  // It has times of another run.
  if (step.reused) return spans
  const put = (kind: SpanKind, from: number, to: number, attempt: number, status: StatusName) => {
    if (to > from || (kind === 'run' && to === from)) spans.push({ kind, from, to, attempt, status })
  }
  const from = toMs(step.startedAt)
  if (isOver && from !== undefined) put('run', from, toMs(step.finishedAt) ?? now, 1, stepStatusName(step))
  for (const attempt of step.attempts) {
    const made = toMs(attempt.createdAt)
    const began = toMs(attempt.startedAt)
    const ended = toMs(attempt.finishedAt)
    if (made !== undefined) put('queue', made, began ?? ended ?? now, attempt.number, 'queued')
    if (began !== undefined) {
      const last = attempt === step.attempts.at(-1)
      const status = ended === undefined ? 'running' : last ? stepStatusName(step) : 'failed'
      put('run', began, ended ?? now, attempt.number, status)
    }
  }
  return spans
}

/** From the step that ended (or goes on) last, back through the need that ended last each time. */
export function criticalPath(
  definitions: readonly StepDefinition[],
  steps: ReadonlyMap<string, RunStep>,
): ReadonlySet<string> {
  const needs = new Map(definitions.map((step) => [step.id, step.needs.map((need) => need.stepId)]))
  const endOf = (id: string): number => {
    const step = steps.get(id)
    if (!step || step.reused || toMs(step.startedAt) === undefined) return Number.NEGATIVE_INFINITY
    return toMs(step.finishedAt) ?? Number.POSITIVE_INFINITY
  }
  const latest = (ids: readonly string[]) =>
    ids.reduce<string | undefined>((best, id) => {
      const end = endOf(id)
      if (end === Number.NEGATIVE_INFINITY) return best
      return best === undefined || end > endOf(best) ? id : best
    }, undefined)
  const path = new Set<string>()
  for (let id = latest([...needs.keys()]); id !== undefined && !path.has(id); id = latest(needs.get(id) ?? []))
    path.add(id)
  const copies = copiesByStep(steps.values())
  // Of copies the one that ended last.
  for (const id of [...path]) {
    const last = latest((copies.get(id) ?? []).map((copy) => copy.id))
    if (last !== undefined) path.add(last)
  }
  return path
}

/** Round distances for a scale of about `count` marks. */
export function scaleStep(totalMs: number, count: number): number {
  const wanted = totalMs / Math.max(1, count)
  const seconds = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400]
  return (seconds.find((one) => one * 1000 >= wanted) ?? Math.ceil(wanted / 86_400_000) * 86_400) * 1000
}
