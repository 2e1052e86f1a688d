// Why a step waits or ended as it did, in the reader's language: the sentences of proto's table of reasons, with his clock and
// the names of the steps.
import type { Attempt, RunStep } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { titled } from '@ansflow/proto/problem-text'
import { isReasonCode, sentence } from '@ansflow/proto/reasons'
import { currentLanguage, i18n } from '../../i18n.ts'
import { formatClock, formatDate } from '../format.ts'

/** What the page calls a step, by its key. */
export type NameOf = (key: string) => string

/** Without the stop at its end. Falls back to the controller's English sentence for a code this console does not know. */
export function reasonText(of: Pick<RunStep | Attempt, 'reason' | 'reasonInfo'> | undefined, nameOf: NameOf): string {
  if (!of) return ''
  const info = of.reasonInfo
  const language = currentLanguage()
  const separator = i18n.global.t('ui.listSeparator')
  const shown = { ...titled(language), time: timeText, date: dateText, step: nameOf, separator }
  const text = info && isReasonCode(info.code) ? sentence(info.code, info.params, language, shown) : of.reason
  return text.replace(/[.。]$/, '')
}

function timeText(text: string): string {
  const at = Date.parse(text)
  return Number.isNaN(at) ? text : formatClock(at, currentLanguage())
}

const dayMs = 24 * 3_600_000

/** The time of day is enough for what is near. */
function dateText(text: string): string {
  const at = Date.parse(text)
  const now = Date.now()
  return Math.abs(at - now) < dayMs / 2 || Number.isNaN(at) ? timeText(text) : formatDate(at, now, currentLanguage())
}
