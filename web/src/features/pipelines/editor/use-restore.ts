// Restores the version that the page of versions has asked for, once the editor is open, and tells when others have restored one.
import { i18n } from '../../../i18n.ts'
import { errorText } from '../../../ui/error-text.ts'
import { sentences } from '../../../ui/sentences.ts'
import { showToast } from '../../../ui/toasts.ts'
import { restoreVersion, takeAskedRestore } from '../document/restore-version.ts'
import { tellRefused } from '../refused-text.ts'
import type { EditorContext } from './editor-context.ts'

export function useRestore(editor: EditorContext): void {
  const { t } = i18n.global
  const { doc, pipelineId, presence } = editor
  doc.link.onNotice((notice) => {
    if (notice.case !== 'restored' || notice.value.userId === presence.me.userId) return
    const { version, by: name } = notice.value
    showToast({ kind: 'warning', text: t('pipelines.toast.restoredBy', { version, name }) })
  })
  const version = takeAskedRestore(pipelineId)
  if (version !== undefined) void restore(version)

  async function restore(asked: number): Promise<void> {
    try {
      const refused = await restoreVersion(doc, pipelineId, asked)
      if (refused) {
        tellRefused(refused)
        return
      }
    } catch (error) {
      showToast({
        kind: 'failed',
        text: sentences(t('pipelines.versions.notRestored', { version: asked }), errorText(error)),
      })
      return
    }
    doc.refresh()
    showToast({
      kind: 'succeeded',
      text: t('pipelines.versions.restored', { version: asked }),
      action: doc.canUndo.value ? { label: t('pipelines.toast.undo'), run: () => doc.undo() } : undefined,
    })
  }
}
