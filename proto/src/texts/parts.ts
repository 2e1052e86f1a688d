// Parts that many sentences share: what was there instead, what may have been meant.
import type { JsonValue } from '@bufbuild/protobuf'

/** What somebody wrote: its kind, with the value where that says more. */
export const gotParams = ['kind', 'value?'] as const
export const got =
  '[{kind=list}a list|{kind=map}a map|{kind=empty}empty|{kind=text}the text {value}|{kind=word}text|{value}]'
export const gotZh = '[{kind=list}列表|{kind=map}映射|{kind=empty}空|{kind=text}文本 {value}|{kind=word}文本|{value}]'

/** What may have been meant; `known` are several. */
export const hintParams = ['near?', 'only?', 'known?'] as const
export const hint = '[ Did you mean "{near}"?| There is: {only}.| There are: {known}.]'
export const hintZh = '[是否想写“{near}”？|只有：{only}。|可用：{known}。]'

/** A word of the file, as `quoted` gives it. */
export const word = '{word}[, which holds {odd},]'
export const wordZh = '{word}[（其中有{odd}）]'
export const wordParams = ['word', 'odd?'] as const

export interface Got {
  kind: 'list' | 'map' | 'empty' | 'text' | 'value'
  value?: string
}

const longest = 60

export function gotOf(value: JsonValue): Got {
  if (value === null) return { kind: 'empty' }
  if (Array.isArray(value)) return { kind: 'list' }
  if (typeof value === 'object') return { kind: 'map' }
  return typeof value === 'string' ? { kind: 'text', value: shortText(value) } : { kind: 'value', value: String(value) }
}

const mostOfWay = 12

/** Names on a way that leads from one to the next, without its middle where it is long. */
export function wayText(names: readonly string[]): string {
  const shown = names.length > mostOfWay ? [...names.slice(0, mostOfWay - 1), '…', names.at(-1)!] : names
  return shown.join(' → ')
}

export function shortText(text: string, most = longest): string {
  return JSON.stringify(text.length > most ? `${text.slice(0, most)}…` : text)
}
