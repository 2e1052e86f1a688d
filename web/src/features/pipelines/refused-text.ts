// Tells why something was not done to the pipeline.
import type { Said } from '@ansflow/proto/texts/say'
import { i18n } from '../../i18n.ts'
import { sentences } from '../../ui/sentences.ts'
import { showToast } from '../../ui/toasts.ts'
import { textOfSaid } from './problem-text.ts'

export function tellRefused(said: Said): void {
  showToast({ kind: 'failed', text: sentences(i18n.global.t('pipelines.toast.notDone'), textOfSaid(said)) })
}
