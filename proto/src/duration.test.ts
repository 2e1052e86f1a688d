// Durations of the pipeline file.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatDuration, parseDuration } from './duration.ts'

describe('durations', () => {
  it.each([
    ['90s', 90_000],
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    ['500ms', 500],
    ['1d', 86_400_000],
    ['1.5h', 5_400_000],
    [' 90 ', 90_000],
    ['0', 0],
    ['', undefined],
    ['10 m', undefined],
    ['10m1h', undefined],
    ['-1s', undefined],
    ['1h1h', undefined],
    ['0.1ms', undefined],
    ['99999d', undefined],
  ])('%j is %j', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  it('read back what they write', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), (ms) => parseDuration(formatDuration(ms)) === ms))
  })
})
