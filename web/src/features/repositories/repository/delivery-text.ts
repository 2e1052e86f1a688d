// A delivery in words and as a call for a terminal.
import type { DeliveryHeader, RepositoryDelivery } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { RepositoryDeliveryResult as Result } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import type { Problem } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { problemText } from '@ansflow/proto/problem-text'
import { currentLanguage } from '../../../i18n.ts'

/** In the reader's language where it is known, else as it was said. */
export function saidOf(text: string, info: Problem | undefined): string {
  return info ? problemText(info, currentLanguage()) : text
}

export const deliveryFilters = ['all', 'nothing', 'refused'] as const
export type DeliveryFilter = (typeof deliveryFilters)[number]

const startedNothing = new Set([Result.NOTHING, Result.WAITS, Result.FAILED])

export function passes(filter: DeliveryFilter, { result }: Pick<RepositoryDelivery, 'result'>): boolean {
  if (filter === 'all') return true
  return filter === 'refused' ? result === Result.REFUSED : startedNothing.has(result)
}

const words: Partial<Record<Result, string>> = {
  [Result.TAKEN]: 'taken',
  [Result.STARTED]: 'started',
  [Result.NOTHING]: 'nothing',
  [Result.REFUSED]: 'refused',
  [Result.WAITS]: 'waits',
  [Result.FAILED]: 'failed',
}
/** Its name in texts: `repositories.deliveries.results.<word>`. */
export function resultWord(result: Result): string {
  return words[result] ?? 'taken'
}

const mask = '••••'

/** The call of the forge once more, without what signs it: with another secret it would be another. */
export function curlOf(address: string, headers: readonly DeliveryHeader[], body: string): string {
  const shown = headers.filter(({ value }) => !value.includes(mask)).map(({ name, value }) => `${name}: ${value}`)
  const parts = [`curl -X POST ${quoted(address)}`, ...shown.map((header) => `-H ${quoted(header)}`)]
  return [...parts, `--data-raw ${quoted(body)}`].join(' \\\n  ')
}

/** As one word of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** Laid out where it is JSON, else as it is. */
export function laidOut(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2)
  } catch {
    return body
  }
}
