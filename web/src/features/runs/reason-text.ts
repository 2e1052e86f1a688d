// Why a step waits or ended as it did, in the reader's language. Codes and parameters are those of Reason in runs.proto.
import type { Attempt, RunStep } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { currentLanguage, i18n } from '../../i18n.ts'
import { formatClock } from '../../ui/format.ts'

/** What the page calls a step, by its key. */
export type NameOf = (key: string) => string

/** A parameter that, when present, makes another sentence of the same code: `canceled` and `canceled_by`; or two of them. */
const variants = [
  'more',
  'waiting',
  'failed',
  'lacks',
  'claimed_shares',
  'claimed',
  'condition',
  'by',
  'workspace',
  'capability',
  'shares',
  'labels',
  'agent',
  'after',
] as const

/** These say it all; what the agent adds to them is the same in English. */
const complete = new Set(['exit_code', 'signal', 'timeout'])

/** Falls back to the controller's English sentence for a code this console does not know. */
export function reasonText(of: Pick<RunStep | Attempt, 'reason' | 'reasonInfo'> | undefined, nameOf: NameOf): string {
  if (!of) return ''
  const { t, te } = i18n.global
  const info = of.reasonInfo
  if (!info?.code || (info.params.message && !complete.has(info.code))) return of.reason
  const params = paramTexts(info.params, nameOf)
  if (params.status) params.status = t(`ui.status.${params.status}`)
  const keys = [
    ...variants.filter((names) => names.split('_').every((name) => params[name])).map((name) => `${info.code}_${name}`),
    info.code,
  ]
  const key = keys.map((name) => `runs.reason.${name}`).find((name) => te(name))
  return key ? t(key, params, Number(params.count ?? 1)) : of.reason
}

/** Moments among the parameters as the reader's clock shows them, steps by their names. */
function paramTexts(params: Record<string, string>, nameOf: NameOf): Record<string, string> {
  const shown = { ...params }
  if (shown.step) shown.step = nameOf(shown.step)
  if (shown.steps) shown.steps = shown.steps.split(', ').map(nameOf).join(i18n.global.t('ui.listSeparator'))
  for (const name of ['at', 'since', 'lostAt']) {
    const at = Date.parse(shown[name] ?? '')
    if (!Number.isNaN(at)) shown[name] = formatClock(at, currentLanguage())
  }
  return shown
}
