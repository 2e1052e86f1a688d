import { expect, test } from 'vitest'
import { inPlaces } from './in-places.ts'

const ids = (shown: string[], now: string[]) =>
  inPlaces(
    shown,
    now.map((id) => ({ id })),
  ).map(({ id }) => id)

test('what is new stands last, what was shown keeps its place, also when it comes back', () => {
  expect(ids([], ['c', 'b', 'a'])).toEqual(['c', 'b', 'a'])
  expect(ids(['c', 'b', 'a'], ['e', 'd', 'c', 'b', 'a'])).toEqual(['c', 'b', 'a', 'e', 'd'])
  expect(ids(['c', 'b', 'a'], ['c', 'a'])).toEqual(['c', 'a'])
  expect(ids(['c', 'b', 'a'], ['c', 'a', 'b'])).toEqual(['c', 'b', 'a'])
})
