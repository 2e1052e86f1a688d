// Steps with copies as the run page shows them: copies behind their step, folded away where they are many.
import type { RunStep } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { computed, shallowReactive, watch } from 'vue'

/** More copies than these are folded until somebody opens them. */
const fewCopies = 8

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

export type StepGroups = ReturnType<typeof useStepGroups>

/** Which copies are shown; the chosen one always is. */
export function useStepGroups(steps: () => readonly RunStep[], selected: () => RunStep | undefined) {
  const chosen = shallowReactive(new Map<string, boolean>())
  const copies = computed(() => copiesByStep(steps()))
  watch(
    () => selected()?.copyOf,
    (id) => {
      if (id && !isOpen(id)) chosen.set(id, true)
    },
    { immediate: true },
  )

  function copiesOf(id: string): readonly RunStep[] {
    return copies.value.get(id) ?? []
  }
  function isOpen(id: string): boolean {
    return chosen.get(id) ?? copiesOf(id).length <= fewCopies
  }
  const shown = computed(() => steps().filter(({ copyOf }) => !copyOf || isOpen(copyOf)))
  return { copiesOf, isOpen, shown, toggle: (id: string) => chosen.set(id, !isOpen(id)) }
}
