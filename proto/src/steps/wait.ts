// The step type `wait`: goes on after a while, or at a moment. Nothing runs meanwhile: a timer of the run ends the step.
import type { JsonObject } from '@bufbuild/protobuf'
import { parseDuration } from '../duration.ts'
import { limits } from '../limits.ts'
import { shortText } from '../texts/parts.ts'
import { say } from '../texts/say.ts'
import { momentProblem, parseMoment } from './moment.ts'
import { ParamError } from './params.ts'
import { type ParamProblem, type StepType, text } from './step-type.ts'

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
        'x-widget': 'moment',
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
  foreign: {
    seconds: 'duration',
    time: 'duration',
    for: 'duration',
    delay: 'duration',
    sleep: 'duration',
    at: 'until',
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
      problems.push({ field: 'duration', said: say('wait_nothing') })
    }
    if (duration !== undefined && until !== undefined) {
      problems.push({ field: 'until', said: say('wait_both') })
    }
    if (duration !== undefined) {
      const ms = parseDuration(text(params, 'duration'))
      const value = shortText(text(params, 'duration'))
      if (ms === undefined) problems.push({ field: 'duration', said: say('wait_duration', { value }) })
      else if (ms > limits.durationMs) problems.push({ field: 'duration', said: say('duration_long') })
    }
    const wrong = until === undefined ? undefined : momentProblem(text(params, 'until'))
    if (wrong !== undefined) problems.push({ field: 'until', said: wrong })
    return problems
  },
  by: 'clock',
  compile(params, { now }) {
    const until = untilOf(params, now)
    if (until.getTime() - now.getTime() > mostAheadMs)
      throw new ParamError('wait', { field: 'until', said: say('wait_far') })
    return { by: 'clock', until }
  },
}

const mostAheadMs = 366 * 24 * 3_600_000

function untilOf(params: JsonObject, now: Date): Date {
  if (params.until !== undefined) return parseMoment(text(params, 'until')) ?? now
  const ms = parseDuration(text(params, 'duration'))
  if (ms === undefined) throw new ParamError('wait', { field: 'duration', said: say('wait_nothing') })
  return new Date(now.getTime() + ms)
}
