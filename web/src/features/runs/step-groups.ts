// Steps with copies: their copies behind them. Pure.
import type { RunStep } from '@ansflow/proto/gen/ansflow/v1/runs_pb'

/** It runs as copies: they have the logs, and count. */
export function hasCopies({ copies }: Pick<RunStep, 'copies'>): boolean {
  return copies > 0
}

/** Copies behind the step that they are copies of, as events may bring them later than all others. */
export function inOrder(steps: Iterable<RunStep>): RunStep[] {
  const all = [...steps]
  const copies = copiesByStep(all)
  if (copies.size === 0) return all
  return all.flatMap((step) => (step.copyOf ? [] : [step, ...(copies.get(step.id) ?? [])]))
}

/** By the step that they are copies of, in their order. */
export function copiesByStep(steps: Iterable<RunStep>): Map<string, RunStep[]> {
  const found = new Map<string, RunStep[]>()
  for (const step of steps) {
    if (!step.copyOf) continue
    const copies = found.get(step.copyOf) ?? []
    found.set(step.copyOf, copies)
    copies.push(step)
  }
  const index = ({ id, copyOf }: RunStep) => Number(id.slice(copyOf.length + 1))
  for (const copies of found.values()) copies.sort((a, b) => index(a) - index(b))
  return found
}

/** "node 22 · os a" */
export function valuesText({ matrix }: Pick<RunStep, 'matrix'>): string {
  return Object.entries(matrix ?? {})
    .map(([name, value]) => `${name} ${value}`)
    .join(' · ')
}
