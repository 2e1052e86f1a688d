// Numbers and times as people read them, in both languages. Unknown is "–", zero is "0".
import type { Timestamp } from '@bufbuild/protobuf/wkt'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import type { Language } from '../i18n.ts'

export const unknown = '–'

const units = {
  en: { d: 'd', h: 'h', m: 'm', s: 's', tenth: ' s' },
  'zh-CN': { d: ' 天', h: ' 小时', m: ' 分', s: ' 秒', tenth: ' 秒' },
} as const

/** `12.4 s` when it has ended within a minute; `0m 12s` while it goes on, so that the width stays. */
export function formatDuration(ms: number | undefined, language: Language, running = false): string {
  if (ms === undefined || !Number.isFinite(ms)) return unknown
  const unit = units[language]
  const rounded = Math.max(0, ms)
  if (!running && rounded > 0 && rounded < 50) return `< 0.1${unit.tenth}`
  if (!running && rounded < 59_950) return `${(rounded / 1000).toFixed(1)}${unit.tenth}`
  const total = running ? Math.floor(rounded / 1000) : Math.round(rounded / 1000)
  const [d, h, m, s] = [
    Math.floor(total / 86_400),
    Math.floor(total / 3600) % 24,
    Math.floor(total / 60) % 60,
    total % 60,
  ]
  const two = (value: number) => String(value).padStart(2, '0')
  if (d > 0) return `${d}${unit.d} ${h}${unit.h}`
  if (h > 0) return `${h}${unit.h} ${two(m)}${unit.m}`
  return `${m}${unit.m} ${two(s)}${unit.s}`
}

/** "12 min ago" within a day, the date after that; "in 5 min" for what is to come. What has happened never lies ahead, whatever two clocks say. */
export function formatRelative(moment: number, now: number, language: Language, toCome = false): string {
  const zh = language === 'zh-CN'
  const at = toCome ? moment : Math.min(moment, now)
  const ahead = at > now
  const minutes = Math.floor(Math.abs(now - at) / 60_000)
  if (minutes >= 24 * 60) return formatDate(at, now, language)
  if (minutes < 1) return zh ? (ahead ? '马上' : '刚刚') : ahead ? 'in a moment' : 'just now'
  const amount = minutes < 60 ? minutes : Math.floor(minutes / 60)
  const unit = minutes < 60 ? (zh ? '分钟' : 'min') : zh ? '小时' : 'h'
  if (zh) return `${amount} ${unit}${ahead ? '后' : '前'}`
  return ahead ? `in ${amount} ${unit}` : `${amount} ${unit} ago`
}

/** Day and time; the year only when it is another. */
/** What the reader's clock is called at that moment, for times beside those of another clock: "UTC", "GMT+8". */
export function zoneName(at: number, language: Language, timeZone?: string): string {
  const parts = new Intl.DateTimeFormat(language, { timeZone, timeZoneName: 'short' }).formatToParts(at)
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? ''
}

export function formatDate(at: number, now: number, language: Language): string {
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear()
  const text = new Intl.DateTimeFormat(language, {
    ...(sameYear ? {} : { year: 'numeric' }),
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).format(at)
  return spaced(text)
}

/** The time of day, to the second. */
export function formatClock(at: number, language: Language): string {
  return new Intl.DateTimeFormat(language, { timeStyle: 'medium', hourCycle: 'h23' }).format(at)
}

/** To the second with the zone, for the hover text. */
export function formatExact(at: number, language: Language): string {
  const text = new Intl.DateTimeFormat(language, {
    dateStyle: 'medium',
    timeStyle: 'long',
    hourCycle: 'h23',
  }).format(at)
  return spaced(text)
}

/** A space between Chinese and digits, as everywhere in the console. */
function spaced(text: string): string {
  return text.replace(/(\p{Script=Han})(\d)/gu, '$1 $2').replace(/(\d)(\p{Script=Han})/gu, '$1 $2')
}

/** What is left, by guess: whole seconds below a minute. */
export function formatRough(ms: number, language: Language): string {
  if (ms >= 60_000) return formatDuration(ms, language, true)
  return `${Math.round(ms / 1000)}${units[language].tenth}`
}

export function formatBytes(bytes: number | bigint | undefined): string {
  if (bytes === undefined) return unknown
  let value = Number(bytes)
  const names = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let index = 0
  while (value >= 1024 && index < names.length - 1) {
    value /= 1024
    index++
  }
  return `${index === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${names[index]}`
}

/** One decimal below 99 %, two above. `share` is 0 to 1. */
export function formatPercent(share: number | undefined): string {
  if (share === undefined || !Number.isFinite(share)) return unknown
  const percent = share * 100
  return `${percent === 100 || percent === 0 ? percent : percent.toFixed(percent > 99 ? 2 : 1)} %`
}

export function toMs(timestamp: Timestamp | undefined): number | undefined {
  return timestamp ? timestampMs(timestamp) : undefined
}
