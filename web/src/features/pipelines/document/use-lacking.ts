// What the draft asks of people, secrets and other pipelines and is not there: only the controller knows. It is asked once what the
// draft asks for is another and stored, and again when somebody comes back to this tab, having seen to it elsewhere.
import { type Demands, demandsOf } from '@ansflow/proto/demands'
import type { PipelineGraph, Problem } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { computed, onScopeDispose, type Ref, ref, shallowRef, watch } from 'vue'
import { api } from '../../../api.ts'
import type { SaveState } from './collab-link.ts'

const askAfterMs = 300

export function useLacking(pipelineId: string, state: Readonly<Ref<SaveState>>) {
  const found = shallowRef<readonly Problem[]>([])
  const steps = shallowRef<ReadonlySet<string>>(new Set())
  const wanted = ref('')
  let asked = ''
  let waiting: ReturnType<typeof setTimeout> | undefined
  let request = new AbortController()

  function look(graph: PipelineGraph): void {
    const demands = demandsOf(graph)
    steps.value = new Set(graph.steps.map(({ id }) => id))
    wanted.value = asksNothing(demands) ? '' : JSON.stringify(demands)
  }

  async function ask(): Promise<void> {
    asked = wanted.value
    request.abort()
    request = new AbortController()
    if (asked === '') {
      found.value = []
      return
    }
    try {
      found.value = (await api.pipelines.validateDraft({ pipelineId }, { signal: request.signal })).problems
    } catch {
      // Publishing says it all the same.
      asked = ''
    }
  }

  function soon(): void {
    clearTimeout(waiting)
    if (state.value === 'saved' && wanted.value !== asked) waiting = setTimeout(() => void ask(), askAfterMs)
  }
  function again(): void {
    if (document.hidden) return
    asked = ''
    soon()
  }
  watch([wanted, state], soon)
  document.addEventListener('visibilitychange', again)
  onScopeDispose(() => {
    clearTimeout(waiting)
    request.abort()
    document.removeEventListener('visibilitychange', again)
  })

  return { problems: computed(() => found.value.filter(({ stepId }) => steps.value.has(stepId))), look }
}

function asksNothing({ approvals, secrets, calls }: Demands): boolean {
  return approvals.length + secrets.length + calls.length === 0
}
