// The step type `wait`: goes on after a while, or at a moment. Nothing runs meanwhile: a timer of the run ends the step.
import type { JsonObject } from '@bufbuild/protobuf'
import { parseDuration } from '../duration.ts'
import { limits } from '../limits.ts'
import { type ParamProblem, type StepType, text } from './step-type.ts'

/** A date with a time and its offset from UTC (RFC 3339). */
const moment = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/

export const wait: StepType = {
  id: 'wait',
  category: 'control',
  icon: 'hourglass',
  title: { en: 'Wait', 'zh-CN': '等待' },
  description: {
    en: 'Waits for a while, or until a moment. Takes no agent.',
    'zh-CN': '等待一段时间，或等到某个时刻。不占用代理。',
  },
  aliases: ['sleep', 'delay', 'pause', 'until', 'timer', '延时', '暂停', '定时'],
  params: {
    type: 'object',
    properties: {
      duration: {
        type: 'string',
        minLength: 1,
        examples: ['10m', '1h30m'],
        'x-widget': 'duration',
        'x-order': 1,
        'x-text': {
          title: { en: 'For', 'zh-CN': '时长' },
          help: {
            en: 'How long, such as 90s, 10m or 1h30m; at most 30 days. Leave it empty to wait until a moment.',
            'zh-CN': '等待多久，例如 90s、10m 或 1h30m，最长 30 天。若要等到某个时刻，请留空。',
          },
        },
      },
      until: {
        type: 'string',
        minLength: 1,
        maxLength: 64,
        examples: ['2030-01-31T09:00:00+08:00'],
        'x-widget': 'text',
        'x-order': 2,
        'x-text': {
          title: { en: 'Until', 'zh-CN': '直到' },
          help: {
            en: 'A moment with its offset, such as 2030-01-31T09:00:00Z, or an expression that gives one. One that has passed ends the step at once.',
            'zh-CN': '带时区的时刻，例如 2030-01-31T09:00:00Z，或给出时刻的表达式。已过去的时刻会让步骤立即结束。',
          },
        },
      },
    },
    required: [],
    additionalProperties: false,
  },
  defaults: { duration: '10m' },
  outputs: [],
  summary(params) {
    return text(params, 'duration') || text(params, 'until')
  },
  check(params, given) {
    const problems: ParamProblem[] = []
    const { duration, until } = params
    if (!given.has('duration') && !given.has('until')) {
      problems.push({ field: 'duration', message: 'Say how long to wait, or until when.' })
    }
    if (duration !== undefined && until !== undefined) {
      problems.push({ field: 'until', message: 'Say either how long to wait or until when, not both.' })
    }
    if (duration !== undefined) {
      const ms = parseDuration(text(params, 'duration'))
      if (ms === undefined) problems.push({ field: 'duration', message: 'Write how long as 90s, 10m or 1h30m.' })
      else if (ms > limits.durationMs) problems.push({ field: 'duration', message: 'That is longer than 30 days.' })
    }
    if (until !== undefined && !isMoment(text(params, 'until'))) {
      problems.push({ field: 'until', message: 'Write a moment with its offset, such as 2030-01-31T09:00:00Z.' })
    }
    return problems
  },
  by: 'clock',
  compile(params, { now }) {
    const until = untilOf(params, now)
    if (until.getTime() - now.getTime() > mostAheadMs) throw new Error('That is more than a year ahead.')
    return { by: 'clock', until }
  },
}

const mostAheadMs = 366 * 24 * 3_600_000

function untilOf(params: JsonObject, now: Date): Date {
  if (params.until !== undefined) return new Date(text(params, 'until').replace(' ', 'T'))
  const ms = parseDuration(text(params, 'duration'))
  if (ms === undefined) throw new Error('The step says neither how long to wait nor until when.')
  return new Date(now.getTime() + ms)
}

function isMoment(written: string): boolean {
  return moment.test(written) && !Number.isNaN(Date.parse(written.replace(' ', 'T')))
}
