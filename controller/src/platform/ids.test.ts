import { expect, test } from 'vitest'
import { idAt, idsFrom, isId } from './ids.ts'

test('ids of one moment sort as they were made, between those of the moments around it', () => {
  const at = (ms: number) => idAt(new Date(ms))
  const before = at(1_900_000_000_000)
  const ids = Array.from({ length: 1000 }, () => at(1_900_000_000_001))
  const after = at(1_900_000_000_002)
  expect([before, ...ids, after].toSorted()).toEqual([before, ...ids, after])
  expect(new Set(ids).size).toBe(1000)
  expect(ids.every(isId)).toBe(true)
  expect(idsFrom(1_900_000_000_001) > before && idsFrom(1_900_000_000_001) < ids[0]!).toBe(true)
})
