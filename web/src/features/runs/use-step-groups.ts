// Which steps the run page shows of those that stand under others: all of them where they are few, else when somebody opens them.
import type { RunStep } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { computed, shallowReactive, watch } from 'vue'
import { above } from './step-path.ts'
import type { StepTree } from './step-tree.ts'

/** More under one step than these are folded. */
const few = 8

export type StepGroups = ReturnType<typeof useStepGroups>

/** Which of those under other steps are shown; the chosen one always is. */
export function useStepGroups(tree: () => StepTree, selected: () => RunStep | undefined) {
  const chosen = shallowReactive(new Map<string, boolean>())
  watch(
    () => above(selected() ?? { id: '', copyOf: '' }).join(' '),
    () => {
      const step = selected()
      for (const id of step ? above(step) : []) if (!isOpen(id)) chosen.set(id, true)
    },
    { immediate: true },
  )

  function membersOf(id: string): readonly RunStep[] {
    return tree().members.get(id) ?? []
  }
  function isOpen(id: string): boolean {
    return chosen.get(id) ?? membersOf(id).length <= few
  }
  function* shownOf(list: readonly RunStep[]): Generator<RunStep> {
    for (const step of list) {
      yield step
      if (isOpen(step.id)) yield* shownOf(membersOf(step.id))
    }
  }
  const shown = computed(() => [...shownOf(tree().roots)])
  return {
    /** What stands right under it. */
    membersOf,
    /** Those under it that have logs and count. */
    leavesOf: (id: string) => tree().leaves.get(id) ?? [],
    /** The step of the file that stands for a template's, by its key. */
    templateOf: (id: string) => tree().templates.get(id),
    isOpen,
    shown,
    toggle: (id: string) => chosen.set(id, !isOpen(id)),
  }
}
