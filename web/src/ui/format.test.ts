// How numbers and times read, in both languages.
import { describe, expect, it } from 'vitest'
import {
  formatBytes,
  formatDate,
  formatDuration,
  formatPercent,
  formatRelative,
  formatRough,
  zoneName,
} from './format.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

describe('formatDuration', () => {
  it.each([
    [undefined, '–', '–'],
    [0, '0.0 s', '0.0 秒'],
    [812, '0.8 s', '0.8 秒'],
    [12_400, '12.4 s', '12.4 秒'],
    [59_949, '59.9 s', '59.9 秒'],
    [59_999, '1m 00s', '1 分 00 秒'],
    [3 * minute + 5 * second, '3m 05s', '3 分 05 秒'],
    [hour + 12 * minute, '1h 12m', '1 小时 12 分'],
    [2 * day + 4 * hour, '2d 4h', '2 天 4 小时'],
    [-5, '0.0 s', '0.0 秒'],
  ])('%s ms', (ms, english, chinese) => {
    expect(formatDuration(ms, 'en')).toBe(english)
    expect(formatDuration(ms, 'zh-CN')).toBe(chinese)
  })

  it('keeps its width while it ticks', () => {
    expect(formatDuration(9 * second, 'en', true)).toBe('0m 09s')
    expect(formatDuration(59_999, 'en', true)).toBe('0m 59s')
    expect(formatDuration(minute, 'zh-CN', true)).toBe('1 分 00 秒')
  })

  it('rounds what is left', () => {
    expect(formatRough(50 * second, 'en')).toBe('50 s')
    expect(formatRough(256 * second, 'zh-CN')).toBe('4 分 16 秒')
  })
})

describe('formatRelative', () => {
  const now = new Date(2026, 10, 23, 18, 0).getTime()

  it.each([
    [now - 20 * second, 'just now', '刚刚'],
    [now - 12 * minute, '12 min ago', '12 分钟前'],
    [now - 3 * hour, '3 h ago', '3 小时前'],
    [now + 20 * second, 'in a moment', '马上'],
    [now + 5 * minute, 'in 5 min', '5 分钟后'],
  ])('%s', (at, english, chinese) => {
    expect(formatRelative(at, now, 'en', at > now)).toBe(english)
    expect(formatRelative(at, now, 'zh-CN', at > now)).toBe(chinese)
  })

  it('says of what has happened that it has, also where the clock of whoever looks is slow', () => {
    expect(formatRelative(now + 20 * second, now, 'en')).toBe('just now')
    expect(formatRelative(now + 20 * second, now, 'zh-CN')).toBe('刚刚')
  })

  it('is a date after a day, with the year only when it is another', () => {
    expect(formatRelative(now - 3 * day, now, 'en')).toBe('Nov 20, 18:00')
    expect(formatRelative(now - 3 * day, now, 'zh-CN')).toBe('11 月 20 日 18:00')
    expect(formatDate(now - 400 * day, now, 'en')).toContain('2025')
  })
})

it('names the clock that times are read on', () => {
  const summer = Date.UTC(2026, 6, 1)
  for (const language of ['en', 'zh-CN'] as const) {
    expect(zoneName(summer, language, 'UTC')).toBe('UTC')
    expect(zoneName(summer, language, 'Asia/Shanghai')).toBe('GMT+8')
    expect(zoneName(summer, language, 'Europe/Berlin')).not.toBe(
      zoneName(Date.UTC(2026, 0, 1), language, 'Europe/Berlin'),
    )
  }
})

it('shows shares with the digits they deserve', () => {
  expect(formatPercent(undefined)).toBe('–')
  expect(formatPercent(0)).toBe('0 %')
  expect(formatPercent(0.926)).toBe('92.6 %')
  expect(formatPercent(0.9995)).toBe('99.95 %')
  expect(formatPercent(1)).toBe('100 %')
})

it('shows bytes in binary units', () => {
  expect(formatBytes(undefined)).toBe('–')
  expect(formatBytes(0)).toBe('0 B')
  expect(formatBytes(1536)).toBe('1.5 KiB')
  expect(formatBytes(5_368_709_120n)).toBe('5.0 GiB')
})
