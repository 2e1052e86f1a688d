import { describe, expect, test } from 'vitest'
import { countOf, joinTimes, type LineTimes, packTimes, splitTimes, timesOf, unpackTimes } from './line-times.ts'

const each = ({ lines, ms }: LineTimes) => lines.flatMap((count, i) => new Array<number>(count).fill(ms[i]!))

/** As every row was written before there were runs: a varint a line. */
function packEach(endedMs: number[]): Buffer {
  const bytes: number[] = []
  let last = endedMs[0] ?? 0
  for (const ms of endedMs) {
    let delta = Math.min(Math.max(0, ms - last), 0xffff_ffff)
    last += delta
    for (; delta > 127; delta = Math.floor(delta / 128)) bytes.push((delta % 128) | 128)
    bytes.push(delta)
  }
  return Buffer.from(bytes)
}

/** Floods, pauses up to the longest, clocks that jump back. */
function someTimes(seed: number): number[] {
  let state = seed
  const random = (most: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state % most
  }
  const steps = [() => 0, () => 0, () => 0, () => random(300), () => random(0xffff_ffff), () => -random(5000)]
  let at = 1_790_000_000_000
  return Array.from({ length: random(60) }, () => {
    at += steps[random(steps.length)]!()
    return at
  })
}

describe('the times of lines as runs', () => {
  const all = Array.from({ length: 60 }, (_, i) => someTimes(i + 1))

  test('are packed to the same bytes as one by one', () => {
    for (const times of all) expect(packTimes(timesOf(times.length, times))).toEqual(packEach(times))
  })

  test('are what rows of before hold', () => {
    const old = packEach([1000, 1000, 1130, 1130, 90_000])
    expect(unpackTimes(old, 1000)).toEqual([1000, 1000, 1130, 1130, 90_000])
  })

  test('are cut anywhere and joined again', () => {
    for (const times of all) {
      const runs = timesOf(times.length, times)
      for (let count = 0; count <= times.length; count++) {
        const [first, others] = splitTimes(runs, count)
        expect([each(first), each(others)]).toEqual([times.slice(0, count), times.slice(count)])
        expect([countOf(first), countOf(others)]).toEqual([count, times.length - count])
        expect(joinTimes([first, others])).toEqual(runs)
      }
    }
  })

  test('the last time that is told is that of all lines behind it; without any, they ended at the base', () => {
    expect(each(timesOf(4, [5, 9], 100))).toEqual([105, 109, 109, 109])
    expect(each(timesOf(3, [], 100))).toEqual([100, 100, 100])
    expect(each(timesOf(1, [5, 9], 100))).toEqual([105])
  })
})
