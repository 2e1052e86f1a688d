// When the steps of a run that is only foreseen would go on, if each took as long as it usually does and nothing kept them waiting.
import type { UsualTime } from '@ansflow/proto/gen/ansflow/v1/explain_pb'
import type { StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { topologicalOrder } from '@ansflow/proto/graph'

export interface ExpectedStep {
  id: string
  name: string
  copies: number
  /** From 1: it would run; steps of one wave may run side by side. */
  wave: number
}

export interface ExpectedRow extends ExpectedStep {
  /** Milliseconds from the beginning of the run. */
  from: number
  to: number
  /** `people`: it takes as long as they do. `unknown`: it has not succeeded in a run yet. */
  takes: 'usual' | 'people' | 'unknown'
  /** The run takes as long as it does because of this. */
  critical: boolean
}

export interface ExpectedTime {
  /** In the order in which they begin. */
  rows: ExpectedRow[]
  /** Without people, and what is not known. */
  totalMs: number
  people: number
  unknown: number
}

export function expectedTime(
  steps: readonly ExpectedStep[],
  definitions: readonly StepDefinition[],
  usual: ReadonlyMap<string, UsualTime>,
): ExpectedTime {
  const foreseen = new Map(steps.map((step) => [step.id, step]))
  const rows = new Map<string, ExpectedRow>()
  /** What has to end before, across those that would not run. */
  const ends = new Map<string, { at: number; after: string | undefined }>()
  const after = new Map<string, string | undefined>()
  for (const { id, needs, uses } of topologicalOrder(definitions)) {
    const before = needs
      .flatMap(({ stepId }) => ends.get(stepId) ?? [])
      .reduce((last, end) => (end.at > last.at || last.after === undefined ? end : last), {
        at: 0,
        after: undefined as string | undefined,
      })
    const step = foreseen.get(id)
    if (!step?.wave) {
      ends.set(id, before)
      continue
    }
    const takes = uses === 'approval' ? 'people' : usual.has(id) ? 'usual' : 'unknown'
    const to = before.at + (takes === 'usual' ? usual.get(id)!.medianMs : 0)
    rows.set(id, { ...step, from: before.at, to, takes, critical: false })
    after.set(id, before.after)
    ends.set(id, { at: to, after: id })
  }
  const all = [...rows.values()]
  const last = all.reduce<ExpectedRow | undefined>((best, row) => (best && best.to >= row.to ? best : row), undefined)
  const totalMs = last?.to ?? 0
  for (let id = totalMs > 0 ? last?.id : undefined; id !== undefined; id = after.get(id)) rows.get(id)!.critical = true
  return {
    rows: all.toSorted((a, b) => a.wave - b.wave || a.from - b.from),
    totalMs,
    people: all.filter(({ takes }) => takes === 'people').length,
    unknown: all.filter(({ takes }) => takes === 'unknown').length,
  }
}
