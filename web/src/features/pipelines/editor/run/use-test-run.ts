// Trying the draft out on its canvas: all of it or up to a step, and stopping it.
import type { Run } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { ref } from 'vue'
import { api } from '../../../../api.ts'
import { i18n } from '../../../../i18n.ts'
import { confirmAction } from '../../../../ui/confirm.ts'
import { useAction } from '../../../../ui/use-async.ts'
import type { EditorContext } from '../editor-context.ts'
import { brokenText } from '../yaml/broken-text.ts'
import { useFirstRun } from './use-first-run.ts'

export function useTestRun(editor: EditorContext, canRun: () => boolean) {
  /** The dialog that asks for the inputs is open. */
  const starting = ref(false)
  /** The key of the step to run up to; undefined: everything. */
  const until = ref<string>()

  function started(run: Run): void {
    editor.overlay.show(run.id)
  }
  const firstRun = useFirstRun(editor, canRun, started)

  function askRun(): void {
    if (!canRun()) return
    knowing(() => {
      until.value = undefined
      if (!firstRun.start()) starting.value = true
    })
  }
  function runTo(nodeId: string): void {
    const key = editor.steps.get(nodeId)?.key
    if (!canRun() || !key) return
    knowing(() => {
      until.value = key
      starting.value = true
    })
  }
  /** A text with a mistake is not in the draft: whoever looks at it is told that something else runs. */
  function knowing(run: () => void): void {
    const { value: broken } = editor.brokenYaml
    if (!broken) {
      run()
      return
    }
    confirmAction({
      title: i18n.global.t('pipelines.yaml.run'),
      text: brokenText('runText', broken),
      action: i18n.global.t('pipelines.yaml.runAction'),
      run: async () => run(),
    })
  }
  const { run: cancel } = useAction(
    async () => {
      const run = editor.overlay.run.value
      if (run) await api.runs.cancelRun({ runId: run.id })
    },
    { toast: true },
  )

  return { firstRun, starting, until, started, askRun, runTo, cancel }
}
