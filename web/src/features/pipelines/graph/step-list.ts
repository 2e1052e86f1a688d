// The graph as a list for reading from top to bottom: every step after all it waits for, otherwise in the order of the file.
import type { EdgeKind, GraphView, StepView } from './graph-view.ts'

export interface StepRow {
  step: StepView
  /** Longest way from a step that waits for nothing; those are 1. */
  stage: number
  needs: { title: string; kind: EdgeKind; condition: boolean }[]
}

export function stepRows({ steps, edges }: GraphView): StepRow[] {
  const into = new Map<string, { from: StepView; kind: EdgeKind; condition: boolean }[]>()
  const out = new Map<string, string[]>()
  for (const { source, target, kind, condition, suspended } of edges.values()) {
    const from = steps.get(source)
    if (suspended || !from) continue
    into.set(target, [...(into.get(target) ?? []), { from, kind, condition: condition !== '' }])
    out.set(source, [...(out.get(source) ?? []), target])
  }
  const stages = new Map<string, number>()
  const waiting = new Map([...steps.keys()].map((id) => [id, into.get(id)?.length ?? 0]))
  let ready = [...steps.keys()].filter((id) => waiting.get(id) === 0)
  for (let stage = 1; ready.length > 0; stage++) {
    const next: string[] = []
    for (const id of ready) {
      stages.set(id, stage)
      for (const target of out.get(id) ?? []) {
        const left = (waiting.get(target) ?? 0) - 1
        waiting.set(target, left)
        if (left === 0) next.push(target)
      }
    }
    ready = next
  }
  return [...steps.values()]
    .map((step) => ({
      step,
      stage: stages.get(step.nodeId) ?? 1,
      needs: (into.get(step.nodeId) ?? []).map(({ from, ...need }) => ({ title: from.title, ...need })),
    }))
    .sort((a, b) => a.stage - b.stage)
}
