// Moments as the pipeline file writes them: date, time and time zone (RFC 3339). Without a zone nobody knows when that is.
import { shortText } from '../texts/parts.ts'
import { type Said, say } from '../texts/say.ts'

export const momentPattern = '^\\d{4}-\\d{2}-\\d{2}[Tt ]\\d{2}:\\d{2}(:\\d{2}(\\.\\d+)?)?([Zz]|[+-]\\d{2}:\\d{2})$'

const moment = new RegExp(momentPattern)
const zoneless = /^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2})(:\d{2}(?:\.\d+)?)?)?$/

/** Undefined: it is none. */
export function parseMoment(written: string): Date | undefined {
  if (!moment.test(written)) return undefined
  const at = new Date(written.replace(' ', 'T'))
  return Number.isNaN(at.getTime()) ? undefined : at
}

export function momentProblem(written: string): Said | undefined {
  const [, date, time = '00:00', seconds = ':00'] = zoneless.exec(written.trim()) ?? []
  if (date !== undefined) return say('wait_zone', { value: shortText(written), write: `${date}T${time}${seconds}` })
  return parseMoment(written) === undefined ? say('wait_until', { value: shortText(written) }) : undefined
}
