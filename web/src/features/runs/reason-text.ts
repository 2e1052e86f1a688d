// Why a step waits or ended as it did, in the reader's language. Codes and parameters are those of Reason in runs.proto.
import type { Attempt, RunStep } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import type { useI18n } from 'vue-i18n'
import { currentLanguage } from '../../i18n.ts'
import { formatClock } from '../../ui/format.ts'

type Translate = ReturnType<typeof useI18n>['t']

/** A parameter that, when present, makes another sentence of the same code: `canceled` and `canceled_by`; or two of them. */
const variants = [
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
export function reasonText(
  of: Pick<RunStep | Attempt, 'reason' | 'reasonInfo'> | undefined,
  t: Translate,
  te: (key: string) => boolean,
): string {
  if (!of) return ''
  const info = of.reasonInfo
  if (!info?.code || (info.params.message && !complete.has(info.code))) return of.reason
  const params = paramTexts(info.params)
  if (params.status) params.status = t(`ui.status.${params.status}`)
  const keys = [
    ...variants.filter((names) => names.split('_').every((name) => params[name])).map((name) => `${info.code}_${name}`),
    info.code,
  ]
  const key = keys.map((name) => `runs.reason.${name}`).find((name) => te(name))
  return key ? t(key, params, Number(params.count ?? 1)) : of.reason
}

/** Moments among the parameters as the reader's clock shows them. */
export function paramTexts(params: Record<string, string>): Record<string, string> {
  const shown = { ...params }
  for (const name of ['at', 'since', 'lostAt']) {
    const at = Date.parse(shown[name] ?? '')
    if (!Number.isNaN(at)) shown[name] = formatClock(at, currentLanguage())
  }
  return shown
}
