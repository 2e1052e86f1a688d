// The first run after the set-up: the sample opens with Run lit, one press starts it, and after green come the next things to do.
import type { Run } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { RunStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { resolveInputs } from '@ansflow/proto/inputs'
import { computed, type Ref, ref } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { api } from '../../../../api.ts'
import { useAction } from '../../../../ui/use-async.ts'
import type { EditorContext } from '../editor-context.ts'

export interface FirstRun {
  /** Run is the thing to do next. */
  lit: Readonly<Ref<boolean>>
  busy: Readonly<Ref<boolean>>
  /** The first run is green: show what to do next. */
  done: Readonly<Ref<boolean>>
  /** Starts it with the inputs' defaults; false: they do not suffice, or this is no first run. */
  start(): boolean
  dismiss(): void
}

export function useFirstRun(editor: EditorContext, canRun: () => boolean, started: (run: Run) => void): FirstRun {
  const route = useRoute()
  const router = useRouter()
  const wanted = ref(route.query.start === '1')
  const runId = ref('')
  const ready = computed(() => editor.doc.link.ready.value && editor.steps.size > 0)
  const lit = computed(() => wanted.value && ready.value && canRun())
  let key = crypto.randomUUID()

  /** A reload is not to ask for the first run again. */
  function dismiss(): void {
    wanted.value = false
    runId.value = ''
    if (route.query.start) void router.replace({ query: { ...route.query, start: undefined } })
  }

  const { run: send, busy } = useAction(
    async (inputs: Parameters<typeof resolveInputs>[1]) => {
      const { run } = await api.runs.startRun({
        pipelineId: editor.pipelineId,
        draft: true,
        inputs,
        idempotencyKey: key,
      })
      key = crypto.randomUUID()
      if (!run) return
      dismiss()
      runId.value = run.id
      started(run)
    },
    { toast: true },
  )

  return {
    lit,
    busy,
    done: computed(() => {
      const { value: run } = editor.overlay.run
      return run !== undefined && run.id === runId.value && run.status === RunStatus.SUCCEEDED
    }),
    start() {
      if (!lit.value) return false
      const { values, violations } = resolveInputs(editor.doc.graph.value.inputs, {})
      if (violations.length > 0) return false
      void send(values)
      return true
    },
    dismiss,
  }
}
