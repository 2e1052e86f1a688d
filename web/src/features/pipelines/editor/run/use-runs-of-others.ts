// The draft runs on one canvas for everyone: a test run that somebody starts is shown to all who have the draft open, unless they
// are watching another one; then, and when one comes in the middle, it is offered.
import { isTerminal } from '@ansflow/proto/status'
import { useI18n } from 'vue-i18n'
import { api } from '../../../../api.ts'
import { showToast } from '../../../../ui/toasts.ts'
import type { EditorContext } from '../editor-context.ts'

const lookAtLatest = 5

export function useRunsOfOthers(editor: EditorContext, mayRead: () => boolean): void {
  const { t } = useI18n()
  const { overlay, presence } = editor

  const watching = () => overlay.run.value !== undefined && !overlay.ended.value
  function offer(runId: string, text: string): void {
    showToast({ text, action: { label: t('pipelines.toast.show'), run: () => overlay.show(runId) } })
  }

  editor.doc.link.onNotice((notice) => {
    if (notice.case !== 'runStarted' || !mayRead()) return
    const { runId, number, by, userId } = notice.value
    // My own other tabs are told too; the one that started it shows it already.
    if (overlay.run.value?.id === runId) return
    if (userId === presence.me.userId && document.hasFocus()) return
    const text = t('pipelines.toast.testRun', { name: by, number })
    if (watching()) offer(runId, text)
    else {
      overlay.show(runId)
      showToast({ text })
    }
  })

  // Whoever comes later is offered what still runs.
  async function findRunning(): Promise<void> {
    const { runs } = await api.runs.listRuns({ pipelineId: editor.pipelineId, pageSize: lookAtLatest })
    const run = runs.find((one) => one.version === 0 && !isTerminal(one.status))
    if (run && !overlay.run.value) offer(run.id, t('pipelines.toast.testRunGoes', { number: run.number }))
  }
  // Nothing is lost without the offer: the list of runs has it too.
  if (mayRead()) void findRunning().catch(() => undefined)
}
