import { describe, expect, it } from 'vitest'
import { cronProblem, nextTimes, timezoneProblem } from './cron.ts'

const next = (cron: string, timezone: string, after: string, count = 3) =>
  nextTimes({ cron, timezone }, new Date(after), count).map((at) => at.toISOString().replace(':00.000Z', 'Z'))

describe('the next moments', () => {
  it('are those of the time zone', () => {
    expect(next('0 3 * * *', '', '2026-03-01T04:00:00Z', 2)).toEqual(['2026-03-02T03:00Z', '2026-03-03T03:00Z'])
    expect(next('0 3 * * *', 'Asia/Shanghai', '2026-03-01T00:00:00Z', 1)).toEqual(['2026-03-01T19:00Z'])
    expect(next('@daily', 'Asia/Shanghai', '2026-03-01T00:00:00Z', 1)).toEqual(['2026-03-01T16:00Z'])
    expect(next('0 9 * * 1-5', 'UTC', '2026-11-27T10:00:00Z', 2)).toEqual(['2026-11-30T09:00Z', '2026-12-01T09:00Z'])
    expect(next('0 0 29 2 *', 'UTC', '2026-01-01T00:00:00Z', 2)).toEqual(['2028-02-29T00:00Z', '2032-02-29T00:00Z'])
  })

  it('come when clocks go on, where a change of clocks leaves them out, and once where they come twice', () => {
    expect(next('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', 2)).toEqual([
      '2026-03-29T01:00Z',
      '2026-03-30T00:30Z',
    ])
    expect(next('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 2)).toEqual([
      '2026-10-25T00:30Z',
      '2026-10-26T01:30Z',
    ])
  })

  it('are after the one that was', () => {
    expect(next('* * * * *', '', '2026-03-01T04:00:00Z', 1)).toEqual(['2026-03-01T04:01Z'])
  })
})

describe('a cron expression', () => {
  it.each([['0 3 * * *'], ['*/15 9-17 * * MON-FRI'], [' 0 0 1 1 * '], ['@weekly'], ['0 0 L * *']])(
    'may be %j',
    (cron) => {
      expect(cronProblem(cron)).toBe(undefined)
    },
  )

  it.each([
    ['', 'cron_form'],
    ['0 3 * *', 'cron_form'],
    ['0 0 3 * * *', 'cron_form'],
    ['2030-01-01T00:00:00', 'cron_form'],
    ['@reboot', 'cron_form'],
    ['61 3 * * *', 'cron_wrong'],
    ['H 3 * * *', 'cron_wrong'],
    ['0 0 31 2 *', 'cron_never'],
  ])('may not be %j', (cron, code) => {
    expect(cronProblem(cron)?.code).toBe(code)
  })
})

it('time zones are names', () => {
  for (const zone of ['', 'UTC', 'Asia/Shanghai', 'America/Argentina/Ushuaia'])
    expect(timezoneProblem(zone)).toBe(undefined)
  for (const zone of ['Mars/Base', '+08:00', 'x'.repeat(1000)]) expect(timezoneProblem(zone)?.code).toBe('timezone')
})
