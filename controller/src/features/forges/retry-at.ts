// When a forge may be asked again, by the headers that each of them has for it.
import type { IncomingHttpHeaders } from 'node:http'
import { headerOf } from './read-events.ts'

/** Nobody waits longer, whatever a forge says. */
const longestMs = 24 * 3_600_000

/** Undefined: it does not say that too much was asked. */
export function retryAtOf(headers: IncomingHttpHeaders, now = Date.now()): Date | undefined {
  const at = afterOf(headerOf(headers, 'retry-after'), now) ?? resetOf(headers, now)
  return at === undefined ? undefined : new Date(Math.min(Math.max(at, now), now + longestMs))
}

/** Seconds, or a date. */
function afterOf(text: string, now: number): number | undefined {
  if (/^\d{1,9}$/.test(text)) return now + Number(text) * 1000
  const at = text === '' ? Number.NaN : Date.parse(text)
  return Number.isNaN(at) ? undefined : at
}

/** Also in answers that were given: only with nothing left it is one that was not. Seconds since 1970, or from now. */
function resetOf(headers: IncomingHttpHeaders, now: number): number | undefined {
  for (const prefix of ['x-ratelimit-', 'ratelimit-']) {
    const reset = headerOf(headers, `${prefix}reset`)
    if (headerOf(headers, `${prefix}remaining`) !== '0' || !/^\d{1,11}$/.test(reset)) continue
    return Number(reset) > 1_000_000_000 ? Number(reset) * 1000 : now + Number(reset) * 1000
  }
  return undefined
}
