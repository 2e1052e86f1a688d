// What a merge after working apart has brought together: mine, theirs, and the fields that both changed. Pure.
import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { type GraphDiff, graphDiff } from '@ansflow/proto/graph-diff'

export interface MergeConflict {
  /** Key of the step; empty: of the pipeline itself. */
  key: string
  title: string
  field: string
  /** What I had written. */
  mine: string
  /** What it is now. */
  now: string
}

export interface MergeSummary {
  mine: number
  others: number
  conflicts: MergeConflict[]
}

/** `before`: what all had; `mine`: that with my changes; `after`: with everybody's. */
export function mergeSummary(before: PipelineGraph, mine: PipelineGraph, after: PipelineGraph): MergeSummary {
  const ours = graphDiff(before, mine)
  const theirs = graphDiff(mine, after)
  return { mine: ours.count, others: theirs.count, conflicts: [...fieldConflicts(ours, theirs)] }
}

function* fieldConflicts(ours: GraphDiff, theirs: GraphDiff): Generator<MergeConflict> {
  const groups = ({ changed, settings }: GraphDiff) => [...changed, { key: '', title: '', fields: settings }]
  const later = new Map(groups(theirs).map((step) => [step.key, step.fields]))
  for (const { key, title, fields } of groups(ours)) {
    for (const { field, before, after } of fields) {
      const over = later.get(key)?.find((other) => other.field === field)
      // Back to what it was before me, or to something third: in a text that was merged, mine is still part of it.
      if (over && over.after !== after && !(after !== '' && before !== after && over.after.includes(after)))
        yield { key, title, field, mine: after, now: over.after }
    }
    if (theirs.removed.some((step) => step.key === key) && fields.length > 0)
      yield { key, title, field: '', mine: '', now: '' }
  }
}
