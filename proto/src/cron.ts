// Moments of the calendar, as the pipeline file writes them.
import { Cron } from 'croner'
import { shortText } from './texts/parts.ts'
import { type Said, say } from './texts/say.ts'

export interface Times {
  cron: string
  /** Empty: UTC. */
  timezone: string
}

const words = /^@(hourly|daily|midnight|weekly|monthly|yearly|annually)$/i

function parse({ cron, timezone }: Times): Cron {
  return new Cron(cron.trim(), { mode: '5-part', timezone: timezone || 'UTC', paused: true })
}

export function cronProblem(cron: string): Said | undefined {
  const text = cron.trim()
  const parts = text.split(/\s+/).length
  const value = shortText(cron, 80)
  if (text.startsWith('@') ? !words.test(text) : parts !== 5) return say('cron_form', { value, example: '0 3 * * 1-5' })
  try {
    // One that names no day of any year, such as the 31st of February, never comes.
    return parse({ cron: text, timezone: '' }).nextRun(new Date(0)) === null ? say('cron_never', { value }) : undefined
  } catch (error) {
    const detail = error instanceof Error ? error.message.replace(/^CronPattern: /, '').replace(/\.$/, '') : ''
    return say('cron_wrong', { value, detail: shortText(detail, 120) })
  }
}

export function timezoneProblem(timezone: string): Said | undefined {
  if (timezone === '') return undefined
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone })
    // What is only an offset knows of no change of clocks, and looks as if it did.
    if (!/^[+-]/.test(timezone)) return undefined
  } catch {
    // Said below.
  }
  return say('timezone', { value: shortText(timezone, 80), example: 'Europe/Berlin' })
}

/** The next moments after one, earliest first: fewer than `count` where there are no more. Both parts must be right. */
export function nextTimes(times: Times, after: Date, count: number): Date[] {
  return parse(times).nextRuns(count, after)
}
