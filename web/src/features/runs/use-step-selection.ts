// The step whose log is shown: the one in the address when a person chose it, else the page's own pick, which follows the run.
import type { RunStep } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { computed, shallowRef, watch } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { nextFailed, pickStep } from './pick-step.ts'
import { hasCopies, inOrder } from './step-groups.ts'
import { treeOf } from './step-tree.ts'
import { useStepGroups } from './use-step-groups.ts'

export function useStepSelection(runId: () => string, steps: ReadonlyMap<string, RunStep>) {
  const route = useRoute()
  const router = useRouter()
  const all = computed(() => inOrder(steps.values()))
  /** Those with logs. */
  const single = computed(() => all.value.filter((step) => !hasCopies(step)))
  const asked = computed(() => (typeof route.query.step === 'string' ? route.query.step : ''))
  const pickedId = shallowRef<string>()

  watch(runId, () => {
    pickedId.value = undefined
  })
  watch(
    single,
    (now) => {
      pickedId.value = pickStep(now, pickedId.value === undefined ? undefined : steps.get(pickedId.value))?.id
    },
    { immediate: true },
  )

  const tree = computed(() => treeOf(all.value))
  const selected = computed(
    () => steps.get(asked.value) ?? tree.value.templates.get(asked.value) ?? steps.get(pickedId.value ?? ''),
  )
  const groups = useStepGroups(
    () => tree.value,
    () => selected.value,
  )
  const attempt = computed(() => (route.query.attempt ? Number(route.query.attempt) : undefined))

  function select(stepId: string, line?: number): void {
    const { attempt: _, ...query } = route.query
    void router.replace({ query: { ...query, step: stepId }, hash: line ? `#L${line}` : '' })
  }
  function chooseAttempt(number: number): void {
    void router.replace({ query: { ...route.query, step: selected.value?.id, attempt: String(number) } })
  }
  function move(by: number): void {
    const at = groups.shown.value.findIndex((step) => step.id === selected.value?.id)
    const next = groups.shown.value[at + by]
    if (next) select(next.id)
  }
  function toNextFailed(): void {
    const next = nextFailed(single.value, selected.value?.id)
    if (next) select(next.id)
  }

  return { single, groups, selected, attempt, select, chooseAttempt, move, toNextFailed }
}
